import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const PATH = '/v1/responses';
const REQUEST = { model: 'gpt-4o-mini', input: 'Hi' };

const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 60 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 5 },
  total_tokens: 120,
};
const message = { type: 'message', content: [{ type: 'output_text', text: 'Hello there', annotations: [] }] };

const responseOf = (fields: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-4o-mini',
  output: [message],
  usage,
  ...fields,
});

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const created = event('response.created', { sequence_number: 0, response: responseOf({ output: [] }) });
const delta = event('response.output_text.delta', { sequence_number: 1, delta: 'Hello there' });
const unknown = 'event: response.x_new\ndata: {"type":"response.x_new", "n": 1.0, "text":"\\"type\\":\\"error\\""}\n\n';
const completed = event('response.completed', { sequence_number: 3, response: responseOf() });

describe("a provider that speaks OpenAI's responses", () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { openai: `${upstream.url}/v1` } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const answerWith = (text: string): void =>
    upstream.script((response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(text);
    });

  it('gets the request and sends its response byte for byte, including state that it stores for the client', async () => {
    const json = ` ${JSON.stringify(responseOf({ x_new: 1 })).replace('"x_new":1', '"x_new" : 1.0')}`;
    upstream.script((response) => sendJson(response, json));
    const body = JSON.stringify({
      ...REQUEST,
      store: true,
      previous_response_id: 'resp_0',
      tools: [{ type: 'web_search' }],
      x_unknown: { a: [] },
    });
    const client_response = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body,
    });
    assert.equal(client_response.text, json);
    assert.equal(upstream.received.at(-1)!.url, PATH);
    assert.equal(upstream.received.at(-1)!.body, body);
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.prompt_tokens, 100);
    assert.equal(call.cached_tokens, 60);
    assert.equal(call.completion_tokens, 20);
    assert.equal(call.reasoning_tokens, 5);
    assert.equal(call.usage_source, 'provider');
    assert.equal(call.rating, 'RATED');
  });

  it('has its events passed through byte for byte, including unknown ones, and its usage read', async () => {
    answerWith(created + unknown + delta + completed);
    const client_response = await gateway.post(PATH, { ...REQUEST, stream: true });
    assert.equal(client_response.text, created + unknown + delta + completed);
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.prompt_tokens, 100);
    assert.equal(call.completion_tokens, 20);
    assert.equal(call.response_status, 'SUCCESS');
  });

  it('is rated by the service tier that it reports, and unpriced if that tier has no price', async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(responseOf({ service_tier: 'priority' }))));
    const { key } = await gateway.newCustomer({ slug: 'hasty', unpriced_policy: 'allow' });
    const { key: careful } = await gateway.newCustomer({ slug: 'careful', unpriced_policy: 'refuse' });
    const refused = await gateway.post(PATH, { ...REQUEST, service_tier: 'priority' }, careful);
    assert.equal(errorOf(refused).code, 'unpriced_model');
    assert.equal(errorOf(refused).param, 'service_tier');
    const client_response = await gateway.post(PATH, { ...REQUEST, service_tier: 'priority' }, key);
    assert.equal((await gateway.recorded(client_response.request_id)).rating, 'UNPRICED');
    const message = { role: 'assistant', content: 'Hello' };
    const chat = {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: REQUEST.model,
      service_tier: 'priority',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    };
    upstream.script((response) => sendJson(response, JSON.stringify(chat)));
    const same = await gateway.chat({ model: REQUEST.model, messages: [{ role: 'user', content: 'Hi' }] }, key);
    assert.equal((await gateway.recorded(same.request_id)).rating, 'UNPRICED');
  });

  it('has the text of a broken stream counted, and the client gets an error event', async () => {
    const endings: readonly (readonly [string, string])[] = [
      ['', 'provider_disconnected'],
      [event('error', { code: 'server_error', message: 'Oh.', param: null, sequence_number: 2 }), 'provider_error'],
      [
        event('response.failed', {
          sequence_number: 2,
          response: responseOf({
            status: 'failed',
            usage: null,
            error: { code: 'rate_limit_exceeded', message: 'Slow down.' },
          }),
        }),
        'provider_rate_limited',
      ],
      ['data: <html>\n\n', 'provider_malformed'],
    ];
    for (const [ending, code] of endings) {
      let has_started = Promise.withResolvers<void>();
      upstream.script((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(created + delta);
        void has_started.promise.then(() => response.end(ending));
      });
      const client_response = await fetch(`${gateway.url}${PATH}`, {
        method: 'POST',
        headers: bearer(gateway.keys.api_key),
        body: JSON.stringify({ ...REQUEST, stream: true }),
      });
      has_started.resolve();
      const text = await client_response.text();
      assert.ok(text.startsWith(created + delta));
      const error_event = JSON.parse(text.slice((created + delta).length).replace(/^event: error\ndata: /, '')) as {
        type: string;
        sequence_number: number;
        code: string;
        error: { code: string };
      };
      assert.equal(error_event.type, 'error');
      assert.equal(error_event.sequence_number, 2);
      assert.equal(error_event.code, code);
      assert.equal(error_event.error.code, code);
      const call = await gateway.recorded(client_response.headers.get('x-request-id')!);
      assert.equal(call.error_code, code);
      assert.equal(call.completion_tokens, 2);
      assert.equal(call.usage_source, 'counted');
      has_started = Promise.withResolvers();
      const stream = await gateway.openai().responses.create({ ...REQUEST, stream: true });
      has_started.resolve();
      await assert.rejects(async () => {
        for await (const each of stream) assert.ok(each);
      }, OpenAI.APIError);
    }
  });

  it('fails the call by a failure in a whole response', async () => {
    const error = { code: 'server_error', message: 'Oh.' };
    upstream.script((response) => sendJson(response, JSON.stringify(responseOf({ status: 'failed', error }))));
    const client_response = await gateway.post(PATH, REQUEST);
    assert.equal(client_response.status, 502);
    assert.equal(errorOf(client_response).code, 'provider_error');
  });

  it('has its usage counted if it reports none', async () => {
    const output = [message, { type: 'function_call', name: 'f', arguments: '{"a":1}' }];
    for (const text of [responseOf({ usage: null, output }), responseOf({ usage: undefined, output })]) {
      upstream.script((response) => sendJson(response, JSON.stringify(text)));
      const client_response = await gateway.post(PATH, REQUEST);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.usage_source, 'counted');
      assert.ok(call.completion_tokens! > 4);
    }
  });

  it("causes provider_malformed if its response does not have the protocol's form", async () => {
    for (const text of ['[]', '{}', '{"output":"x"}', '{"output":[],"usage":{"input_tokens":-1}}']) {
      upstream.script((response) => sendJson(response, text));
      assert.equal(errorOf(await gateway.post(PATH, REQUEST)).code, 'provider_malformed', text);
    }
  });

  it('gets no body that contains a cost limit twice', async () => {
    const client_response = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body: '{"model":"gpt-4o-mini","input":"x","max_output_tokens":1,"max_output_tokens":9000}',
    });
    assert.equal(errorOf(client_response).param, 'max_output_tokens');
  });
});
