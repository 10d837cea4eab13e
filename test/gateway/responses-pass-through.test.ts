import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const PATH = '/v1/responses';
const ASK = { model: 'gpt-4o-mini', input: 'Hi' };

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

  it('gets the request and gives its reply byte for byte, state that it keeps for the client too', async () => {
    const answer = ` ${JSON.stringify(responseOf({ x_new: 1 })).replace('"x_new":1', '"x_new" : 1.0')}`;
    upstream.script((response) => sendJson(response, answer));
    const body = JSON.stringify({
      ...ASK,
      store: true,
      previous_response_id: 'resp_0',
      tools: [{ type: 'web_search' }],
      x_unknown: { a: [] },
    });
    const reply = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body,
    });
    assert.equal(reply.text, answer);
    assert.equal(upstream.received.at(-1)!.url, PATH);
    assert.equal(upstream.received.at(-1)!.body, body);
    const call = await gateway.recorded(reply.request_id);
    assert.equal(call.prompt_tokens, 100);
    assert.equal(call.cached_tokens, 60);
    assert.equal(call.completion_tokens, 20);
    assert.equal(call.reasoning_tokens, 5);
    assert.equal(call.usage_source, 'provider');
    assert.equal(call.rating, 'RATED');
  });

  it('has its events passed byte for byte, unknown ones too, and its usage read', async () => {
    answerWith(created + unknown + delta + completed);
    const reply = await gateway.post(PATH, { ...ASK, stream: true });
    assert.equal(reply.text, created + unknown + delta + completed);
    const call = await gateway.recorded(reply.request_id);
    assert.equal(call.prompt_tokens, 100);
    assert.equal(call.completion_tokens, 20);
    assert.equal(call.response_status, 'SUCCESS');
  });

  it('is rated at the price of the service that it gave, and is unpriced where there is none', async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(responseOf({ service_tier: 'priority' }))));
    const { key } = await gateway.newCustomer({ slug: 'hasty', unpriced_policy: 'allow' });
    const { key: careful } = await gateway.newCustomer({ slug: 'careful', unpriced_policy: 'refuse' });
    const refused = await gateway.post(PATH, { ...ASK, service_tier: 'priority' }, careful);
    assert.equal(errorOf(refused).code, 'unpriced_model');
    assert.equal(errorOf(refused).param, 'service_tier');
    const reply = await gateway.post(PATH, { ...ASK, service_tier: 'priority' }, key);
    assert.equal((await gateway.recorded(reply.request_id)).rating, 'UNPRICED');
    const message = { role: 'assistant', content: 'Hello' };
    const chat = {
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: ASK.model,
      service_tier: 'priority',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    };
    upstream.script((response) => sendJson(response, JSON.stringify(chat)));
    const same = await gateway.chat({ model: ASK.model, messages: [{ role: 'user', content: 'Hi' }] }, key);
    assert.equal((await gateway.recorded(same.request_id)).rating, 'UNPRICED');
  });

  it('that breaks off has what it wrote counted, and the client told', async () => {
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
      upstream.script((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(created + delta);
        setTimeout(() => response.end(ending), 20);
      });
      const reply = await gateway.post(PATH, { ...ASK, stream: true });
      assert.ok(reply.text.startsWith(created + delta));
      const told = JSON.parse(reply.text.slice((created + delta).length).replace(/^event: error\ndata: /, '')) as {
        type: string;
        sequence_number: number;
        code: string;
        error: { code: string };
      };
      assert.equal(told.type, 'error');
      assert.equal(told.sequence_number, 2);
      assert.equal(told.code, code);
      assert.equal(told.error.code, code);
      const call = await gateway.recorded(reply.request_id);
      assert.equal(call.error_code, code);
      assert.equal(call.completion_tokens, 2);
      assert.equal(call.usage_source, 'counted');
      const stream = await gateway.openai().responses.create({ ...ASK, stream: true });
      await assert.rejects(async () => {
        for await (const each of stream) assert.ok(each);
      }, OpenAI.APIError);
    }
  });

  it('that fails in a whole reply fails the call', async () => {
    const error = { code: 'server_error', message: 'Oh.' };
    upstream.script((response) => sendJson(response, JSON.stringify(responseOf({ status: 'failed', error }))));
    const reply = await gateway.post(PATH, ASK);
    assert.equal(reply.status, 502);
    assert.equal(errorOf(reply).code, 'provider_error');
  });

  it('is counted where it tells no usage', async () => {
    const output = [message, { type: 'function_call', name: 'f', arguments: '{"a":1}' }];
    for (const text of [responseOf({ usage: null, output }), responseOf({ usage: undefined, output })]) {
      upstream.script((response) => sendJson(response, JSON.stringify(text)));
      const reply = await gateway.post(PATH, ASK);
      const call = await gateway.recorded(reply.request_id);
      assert.equal(call.usage_source, 'counted');
      assert.ok(call.completion_tokens! > 4);
    }
  });

  it('is malformed where its reply has not the form', async () => {
    for (const text of ['[]', '{}', '{"output":"x"}', '{"output":[],"usage":{"input_tokens":-1}}']) {
      upstream.script((response) => sendJson(response, text));
      assert.equal(errorOf(await gateway.post(PATH, ASK)).code, 'provider_malformed', text);
    }
  });

  it('gets no field twice that decides what a call may cost', async () => {
    const reply = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body: '{"model":"gpt-4o-mini","input":"x","max_output_tokens":1,"max_output_tokens":9000}',
    });
    assert.equal(errorOf(reply).param, 'max_output_tokens');
  });
});
