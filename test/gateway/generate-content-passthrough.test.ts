import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { ClientResponse } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const GENERATE = '/v1beta/models/gemini-2.5-flash:generateContent';
const STREAM = '/v1beta/models/gemini-2.5-flash:streamGenerateContent';
const COUNT = '/v1beta/models/gemini-2.5-flash:countTokens';
const HELLO = { contents: [{ parts: [{ text: 'Hi' }] }] };

const usage = (candidatesTokenCount: number) => ({
  promptTokenCount: 130,
  cachedContentTokenCount: 100,
  candidatesTokenCount,
  thoughtsTokenCount: 3,
});
const piece = (text: string, fields: object, tokens: number) => ({
  candidates: [{ content: { parts: [{ text }], role: 'model' }, ...fields }],
  usageMetadata: usage(tokens),
});
const WHOLE = piece('Hello there', { finishReason: 'STOP' }, 4);

const data = (frame: string): string => `data: ${frame}\r\n\r\n`;
const FRAMES = [
  `{ "x_new":[1.0, 1e2,"\\u00e9"],${JSON.stringify(piece('Hello', {}, 1)).slice(1)}`,
  JSON.stringify(piece(' there', {}, 2)),
  JSON.stringify({ a_new_frame: 12_345_678 }),
  JSON.stringify(piece('', { finishReason: 'STOP' }, 3)),
  JSON.stringify({ usageMetadata: usage(4), x_last: true }),
];
const EVENTS = [...FRAMES.slice(0, 2).map(data), ': a comment\n\n', ...FRAMES.slice(2).map(data)];

describe('Google, called by its own protocol,', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { google: upstream.url } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = (path: string, body: string): Promise<ClientResponse> =>
    gateway.send({
      method: 'POST',
      path,
      headers: { 'x-goog-api-key': gateway.keys.api_key, 'content-type': 'application/json' },
      body,
    });

  const stream = (frames: readonly string[]): void =>
    upstream.script((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(frames.join(''));
    });

  it("gets the body byte for byte, with the operator's key", async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(WHOLE)));
    const body =
      '{ "system_instruction":{"parts":{"text":"Be kind."}}, "x_big":12345678901234567890,"x":1.0, "x":2e0,' +
      '"tools":[{"urlContext":{}}],"cachedContent":"cachedContents/1",' +
      '"contents":[{"parts":[{"a_new_part":{},"text":"\\u00e9"}]}],"generation_config":{"topK":4.0}\n}';
    const client_response = await send(GENERATE, body);
    assert.equal(client_response.status, 200, client_response.text);
    const { url, headers, body: received } = upstream.received.at(-1)!;
    assert.equal(url, GENERATE);
    assert.equal(received, body);
    assert.equal(headers['x-goog-api-key'], 'sk-upstream-1234567890');
    assert.ok(!JSON.stringify(headers).includes(gateway.keys.api_key));
    await send(`${GENERATE}?key=${gateway.keys.api_key}`, body);
    assert.equal(upstream.received.at(-1)!.url, GENERATE, 'the URL contains no key');
  });

  it('has its response passed through byte for byte, and its usage recorded by kind', async () => {
    const text = `{ "x_new":[1.0, 1e2,"\\u00e9"],\n${JSON.stringify(WHOLE).slice(1)}`;
    upstream.script((response) => sendJson(response, text));
    const client_response = await send(GENERATE, JSON.stringify(HELLO));
    assert.equal(client_response.text, text);
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual(
      [call.prompt_tokens, call.cached_tokens, call.reasoning_tokens, call.completion_tokens],
      [130, 100, 3, 7],
    );
  });

  it('has its stream passed through byte for byte, including unknown frames and comments', async () => {
    stream(EVENTS);
    const client_response = await send(`${STREAM}?alt=sse`, JSON.stringify(HELLO));
    assert.equal(client_response.text, EVENTS.join(''));
    assert.equal(upstream.received.at(-1)!.url, `${STREAM}?alt=sse`);
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.usage_source, 'provider');
    assert.deepEqual([call.prompt_tokens, call.completion_tokens], [130, 7]);
  });

  it('has its frames passed through byte for byte as the items of a list, without alt=sse', async () => {
    stream(EVENTS);
    const client_response = await send(STREAM, JSON.stringify(HELLO));
    assert.equal(client_response.text, `[${FRAMES.join(',\r\n')}]`);
    assert.match(String(client_response.headers['content-type']), /^application\/json/);
    assert.equal(upstream.received.at(-1)!.url, `${STREAM}?alt=sse`);
    stream([data(FRAMES[3]!)]);
    assert.equal((await send(STREAM, JSON.stringify(HELLO))).text, `[${FRAMES[3]}]`);
  });

  it('has a stream that ends too early counted, and ended with an error of the protocol', async () => {
    for (const path of [`${STREAM}?alt=sse`, STREAM]) {
      stream(EVENTS.slice(0, 2));
      const client_response = await send(path, JSON.stringify(HELLO));
      assert.match(client_response.text, /\{"error":\{"code":502,.*"PROVIDER_DISCONNECTED"/);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.error_code, 'provider_disconnected');
      assert.equal(call.prompt_tokens, 130);
      assert.ok(call.completion_tokens! >= 2);
    }
  });

  it('breaks only its own stream by malformed frames', async () => {
    const [start = ''] = EVENTS;
    for (const frame of [
      'data: {not json}\n\n',
      'data: 7\n\n',
      data('{"candidates":7}'),
      data('{"usageMetadata":{"promptTokenCount":"many"}}'),
      data('{"error":7}'),
      data('{"error":{"code":429,"message":"no"}}'),
    ]) {
      for (const frames of [[frame], [start, frame]]) {
        stream(frames);
        const client_response = await send(`${STREAM}?alt=sse`, JSON.stringify(HELLO));
        const { error_code } = await gateway.recorded(client_response.request_id);
        const known = ['provider_malformed', 'provider_error', 'provider_rate_limited', 'provider_disconnected'];
        assert.ok(known.includes(error_code!), `${frame}: ${error_code}`);
      }
    }
  });

  it('gets no body with two limits: the call is refused', async () => {
    const two = '{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":9}}';
    const client_response = await send(GENERATE, two);
    assert.equal(client_response.status, 400);
    assert.match(client_response.text, /"field":"generationConfig.maxOutputTokens"/);
    const twice = await send(GENERATE, '{"contents":[{"parts":[{"text":"x"}]}],"contents":[{"parts":[]}]}');
    assert.match(twice.text, /"field":"contents"/);
  });

  it('counts the tokens itself, of contents or of a whole request', async () => {
    upstream.script((response) => sendJson(response, '{"totalTokens": 42, "x_new":1}'));
    for (const body of [HELLO, { generateContentRequest: { model: 'models/gemini-2.5-flash', ...HELLO } }]) {
      const client_response = await send(COUNT, JSON.stringify(body));
      assert.equal(client_response.text, '{"totalTokens": 42, "x_new":1}');
      assert.equal(upstream.received.at(-1)!.url, COUNT);
      assert.equal(upstream.received.at(-1)!.body, JSON.stringify(body));
    }
    upstream.script((response) => sendJson(response, '{"totalTokens":"many"}'));
    assert.equal((await send(COUNT, JSON.stringify(HELLO))).status, 502);
  });

  it('embeds itself, and usage that it does not report is counted', async () => {
    upstream.script((response) => sendJson(response, '{"embedding": {"values":[0.50]}, "x_new":1}'));
    const path = '/v1beta/models/gemini-embedding-001:embedContent';
    const body = '{ "content":{"parts":[{"text":"two words"}]}, "taskType":"CLUSTERING"}';
    const client_response = await send(path, body);
    assert.equal(client_response.text, '{"embedding": {"values":[0.50]}, "x_new":1}');
    assert.equal(upstream.received.at(-1)!.url, path);
    assert.equal(upstream.received.at(-1)!.body, body);
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.usage_source, 'counted');
    assert.equal(call.prompt_tokens, 2);
  });
});
