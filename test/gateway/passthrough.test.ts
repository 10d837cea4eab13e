import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, framesOf } from '../support/http.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

const RESPONSE = {
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' }],
};

const chunk = (delta: object, finish_reason: string | null = null) =>
  JSON.stringify({ id: 'x', model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason }] });

describe("a provider that speaks the client's protocol", () => {
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

  it("gets the request with every unknown field, and the operator's key instead of the client's", async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(RESPONSE)));
    const body = {
      ...HELLO,
      seed: 7,
      logit_bias: { '50256': -100 },
      x_vendor: { deep: [1, { größe: '✓' }], nothing: null, __proto__: 1 },
      messages: [{ role: 'user', content: 'Hi', name: 'jo', x_mark: [] }],
    };
    const text = JSON.stringify(body).replace('"x_vendor":{', '"x_vendor":{"__proto__":{"polluted":true},');
    const client_response = await gateway.send({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: bearer(gateway.keys.api_key),
      body: text,
    });
    assert.equal(client_response.status, 200);
    const received = upstream.received.at(-1)!;
    assert.equal(received.url, '/v1/chat/completions');
    assert.equal(received.body, text);
    assert.equal(received.headers.authorization, 'Bearer sk-upstream-1234567890');
    assert.ok(!JSON.stringify(received.headers).includes(gateway.keys.api_key));
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('has its response passed through byte for byte', async () => {
    const text = `{ "x_new":[1.0, 1e2,"\\u00e9"],\n${JSON.stringify(RESPONSE).slice(1)}`;
    upstream.script((response) => sendJson(response, text));
    assert.equal((await gateway.chat(HELLO)).text, text);
  });

  it('has the frames of its stream passed through byte for byte', async () => {
    const frames = [
      '{"x_new": {"deep":[1.0]},"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}',
      chunk({ content: ' there', x_more: true }),
      chunk({}, 'stop'),
    ];
    upstream.script((response) => sendFrames(response, [...frames, '[DONE]']));
    const client_response = await gateway.chat({ ...HELLO, stream: true });
    assert.deepEqual(framesOf(client_response.text), [...frames, '[DONE]']);
  });

  it('is asked for usage in a stream, which a client that did not request it never sees', async () => {
    const usage = JSON.stringify({
      id: 'x',
      choices: [],
      usage: { prompt_tokens: 11, completion_tokens: 22 },
    });
    upstream.script((response) => sendFrames(response, [chunk({ content: 'a' }, 'stop'), usage, '[DONE]']));
    const hidden = await gateway.chat({ ...HELLO, stream: true });
    const sent = JSON.parse(upstream.received.at(-1)!.body) as { stream_options: unknown };
    assert.deepEqual(sent.stream_options, { include_usage: true });
    assert.ok(!hidden.text.includes('usage'));
    const shown = await gateway.chat({ ...HELLO, stream: true, stream_options: { include_usage: true } });
    assert.ok(framesOf(shown.text).includes(usage));
    for (const { request_id } of [hidden, shown]) {
      const call = await gateway.recorded(request_id);
      assert.equal(call.prompt_tokens, 11);
      assert.equal(call.completion_tokens, 22);
    }
  });

  it('has text and tool calls counted if it reports no usage', async () => {
    const tool_calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"city":"Paris"}' } }];
    const messages = [
      { role: 'assistant', content: 'Hello there' },
      { role: 'assistant', content: null, tool_calls },
    ];
    for (const message of messages) {
      const choices = [{ index: 0, message, finish_reason: 'stop' }];
      upstream.script((response) => sendJson(response, JSON.stringify({ ...RESPONSE, choices })));
      const call = await gateway.recorded((await gateway.chat(HELLO)).request_id);
      assert.equal(call.usage_source, 'counted');
      assert.ok(call.completion_tokens! >= 2 && call.completion_tokens! < 20);
      assert.ok(BigInt(call.customer_cost!) > 0n);
    }
  });

  it('has its usage counted if it reports impossible usage', async () => {
    for (const usage of [
      { prompt_tokens: 5, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 6 } },
      { prompt_tokens: 5, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 6 } },
      { prompt_tokens: 9_007_199_254_740_991, completion_tokens: 5 },
    ]) {
      upstream.script((response) => sendJson(response, JSON.stringify({ ...RESPONSE, usage })));
      const client_response = await gateway.chat(HELLO);
      assert.equal(client_response.status, 200);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.usage_source, 'counted');
      assert.equal(call.completion_tokens, 2);
    }
  });

  it('breaks only its own stream by malformed frames', async () => {
    for (const frame of ['{not json}', '{"choices":7}', '{"choices":[7]}', '{"choices":[{}]}', '{"id":1}', '7']) {
      upstream.script((response) => sendFrames(response, [frame, chunk({ content: 'a' }, 'stop'), '[DONE]']));
      const chat = await gateway.chat({ ...HELLO, stream: true });
      const ai = await gateway.ai({ prompt: 'Hi', model: 'gpt-4o-mini', stream: true });
      for (const { status, request_id, text } of [chat, ai]) {
        assert.ok(status === 200 || status === 502, text);
        const { error_code } = await gateway.recorded(request_id);
        assert.ok(error_code === null || error_code === 'provider_malformed', `${frame}: ${error_code}`);
      }
    }
  });

  it('has its error text recorded also with a NUL character', async () => {
    upstream.script((response) => sendJson(response, '{"error":{"message":"no\\u0000 \\ud800"}}', 422));
    const client_response = await gateway.chat(HELLO);
    assert.equal(client_response.status, 422);
    assert.match((await gateway.recorded(client_response.request_id)).error_message!, /The provider answered 422: no/);
  });

  it('has keys and hosts removed from its error', async () => {
    const message = 'Incorrect key sk-upstream-1234567890 at https://10.0.0.7/v1 (db.internal)';
    upstream.script((response) => sendJson(response, JSON.stringify({ error: { message } }), 400));
    const client_response = await gateway.chat(HELLO);
    const call = await gateway.recorded(client_response.request_id);
    for (const text of [errorOf(client_response).message, call.error_message!]) {
      assert.match(text, /Incorrect key/);
      assert.ok(!/sk-upstream|10\.0\.0\.7|db\.internal/.test(text), text);
    }
  });

  it('is disconnected when its client disconnects', async () => {
    const gone = Promise.withResolvers<void>();
    upstream.script((response) => {
      response.once('close', () => gone.resolve());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${chunk({ content: 'a' })}\n\n`);
    });
    const request = httpRequest(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: bearer(gateway.keys.api_key),
    });
    request.on('error', () => {});
    request.end(JSON.stringify({ ...HELLO, stream: true }));
    await once(request, 'response');
    request.destroy();
    await gone.promise;
  });
});
