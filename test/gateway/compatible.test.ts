import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { COMPATIBLE_PROVIDERS } from '../../src/providers/compatible-providers.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const CATALOGUED = COMPATIBLE_PROVIDERS.filter(({ models = [] }) => models.length > 0);
const HEAD = { id: 'c1', created: 1_700_000_000, model: 'm' };
const USED = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const WHOLE = {
  ...HEAD,
  object: 'chat.completion',
  usage: USED,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
};
const FRAMES = [
  { delta: { role: 'assistant', content: 'H' }, finish_reason: null },
  { delta: { content: 'i!' }, finish_reason: null },
  { delta: {}, finish_reason: 'stop', usage: USED },
].map(({ delta, finish_reason, usage }) => ({
  ...HEAD,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason }],
  ...(usage === undefined ? {} : { usage }),
}));

describe('a compatible provider', () => {
  let server: ScriptedUpstream;
  before(async () => {
    server = await startScriptedUpstream();
    server.script((response, { body }) => {
      const { stream } = JSON.parse(body) as { stream?: boolean };
      if (stream !== true) return sendJson(response, JSON.stringify(WHOLE));
      sendFrames(response, [...FRAMES.map((frame) => JSON.stringify(frame)), '[DONE]']);
    });
  });
  after(() => server.close());

  for (const { provider, models = [], path = '/chat/completions' } of CATALOGUED) {
    describe(`like ${provider}`, () => {
      let gateway: TestGateway;
      before(async () => {
        gateway = await startTestGateway({ base_urls: { [provider]: `${server.url}/base` } });
      });
      after(() => gateway.close());
      // A model that no other provider of this gateway serves.
      const { model, served_as = model } = models[0]!;
      const messages = [{ role: 'user' as const, content: 'Hello' }];

      it('answers the SDKs of OpenAI and Anthropic, streamed and whole, and its calls are recorded with their cost', async () => {
        const { key } = await gateway.newCustomer({ slug: 'one', preferred_providers: [provider] });
        const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
        const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 });
        const calls: string[] = [];
        const note = (headers: Headers | undefined) => calls.push(headers!.get('x-request-id')!);

        const whole = await openai.chat.completions.create({ model, messages }).withResponse();
        note(whole.response.headers);
        assert.equal(whole.data.choices[0]!.message.content, 'Hi!');
        const { data: stream, response } = await openai.chat.completions
          .create({ model, messages, stream: true })
          .withResponse();
        note(response.headers);
        let text = '';
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
        assert.equal(text, 'Hi!');
        const message = await anthropic.messages.create({ model, messages, max_tokens: 99 }).withResponse();
        note(message.response.headers);
        assert.deepEqual(message.data.content, [{ type: 'text', text: 'Hi!', citations: null }]);
        assert.equal(message.data.usage.output_tokens, 4);
        const streamed = anthropic.messages.stream({ model, messages, max_tokens: 99 });
        assert.equal(await streamed.finalText(), 'Hi!');
        note(streamed.response?.headers);

        for (const request of server.received.slice(-4)) {
          assert.equal(request.url.split('?')[0], `/base${path.replace('{model}', encodeURIComponent(served_as))}`);
          assert.equal((JSON.parse(request.body) as { model: string }).model, served_as);
        }
        for (const request_id of calls) {
          const call = await gateway.recorded(request_id);
          assert.deepEqual(
            [call.provider, call.model, call.prompt_tokens, call.completion_tokens, call.usage_source],
            [provider, model, 9, 4, 'provider'],
          );
          assert.equal(call.rating, 'RATED');
          assert.ok(BigInt(call.provider_cost!) > 0n);
        }
      });
    });
  }

  it("gets no field that it does not support, also in a passthrough: the call is refused by the field's name", async () => {
    const gateway = await startTestGateway({ base_urls: { mistral: server.url } });
    try {
      const body = {
        model: 'mistral-large-2512',
        messages: [{ role: 'user', content: 'x' }],
        logit_bias: { 5: 1 },
        store: true,
        x_new: 1,
      };
      const refused = await gateway.chat(body);
      assert.equal(refused.status, 400);
      assert.deepEqual([errorOf(refused).code, errorOf(refused).param], ['unsupported_feature', 'logit_bias']);
      const lenient = await gateway.send({
        method: 'POST',
        path: '/v1/chat/completions',
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${gateway.keys.api_key}`, 'x-onevault-unsupported-fields': 'allow' },
      });
      assert.equal(lenient.status, 200);
      assert.equal(lenient.headers['x-onevault-unsupported-fields'], 'logit_bias, store');
      assert.deepEqual(JSON.parse(server.received.at(-1)!.body), {
        model: 'mistral-large-2512',
        messages: body.messages,
        x_new: 1,
      });
    } finally {
      await gateway.close();
    }
  });

  it("that writes vectors as numbers serves OpenAI's SDK, which requests base64", async () => {
    const vectors = await startScriptedUpstream();
    const usage = { prompt_tokens: 3, total_tokens: 3 };
    vectors.script((response) =>
      sendJson(
        response,
        JSON.stringify({ object: 'list', model: 'm', usage, data: [{ index: 0, embedding: [0.5, -1] }] }),
      ),
    );
    const gateway = await startTestGateway({ base_urls: { mistral: `${vectors.url}/v1` } });
    try {
      const { data, response } = await gateway
        .openai()
        .embeddings.create({ model: 'mistral-embed', input: 'Hello', dimensions: 2 })
        .withResponse();
      assert.deepEqual(data.data[0]!.embedding, [0.5, -1]);
      const { url, body } = vectors.received[0]!;
      assert.equal(url, '/v1/embeddings');
      assert.deepEqual(JSON.parse(body), { model: 'mistral-embed', input: 'Hello', output_dimension: 2 });
      const call = await gateway.recorded(response.headers.get('x-request-id')!);
      assert.deepEqual([call.provider, call.prompt_tokens, call.rating], ['mistral', 3, 'RATED']);
      assert.equal(call.provider_cost, '300000');
    } finally {
      await gateway.close();
      await vectors.close();
    }
  });

  it('without a configured key or base URL has no models in the list', async () => {
    const gateway = await startTestGateway();
    try {
      const listed = await gateway.openai().models.list();
      const ids = new Set(listed.data.map(({ id }) => id));
      assert.ok(ids.has('gpt-4o-mini'));
      for (const { model } of CATALOGUED.flatMap(({ provider, models = [] }) =>
        provider === 'azure-openai' ? [] : models,
      )) {
        assert.equal(ids.has(model), false, model);
      }
      const client_response = await gateway.chat({ model: 'sonar', messages: [{ role: 'user', content: 'x' }] });
      assert.deepEqual([client_response.status, errorOf(client_response).code], [404, 'model_not_found']);
    } finally {
      await gateway.close();
    }
  });
});
