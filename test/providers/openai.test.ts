import assert from 'node:assert/strict';
import type { ChatRequest, SseEvent } from '../../src/providers/contract.ts';
import { adapters, upstreamAt } from './support.ts';

const adapter = adapters.openai;
const upstream = upstreamAt('https://api.example.com', 'openai');
const chat = {
  model: 'alias',
  messages: [{ role: 'user', content: 'hi', name: 'ann' }],
  some_new_field: { deep: [1, null] },
} as unknown as ChatRequest;
const frame = (data: string): SseEvent => ({ event: '', data });

describe("OpenAI's adapter", () => {
  it('passes a request through but for the model, and asks for usage where it streams', () => {
    const whole = adapter.request(chat, { model: 'gpt-x', stream: false, upstream });
    assert.deepEqual(JSON.parse(whole.body), { ...chat, model: 'gpt-x' });
    assert.equal(whole.headers.authorization, `Bearer ${upstream.api_key}`);
    const given = { ...chat, stream: true, stream_options: { include_obfuscation: false } } as ChatRequest;
    const streamed = adapter.request(given, { model: 'gpt-x', stream: true, upstream });
    assert.deepEqual(JSON.parse(streamed.body), {
      ...given,
      model: 'gpt-x',
      stream_options: { include_obfuscation: false, include_usage: true },
    });
  });

  it('gives the bytes of a reply as they came, with every kind of usage', () => {
    const text =
      '{ "id":"a", "x_new": 1.50, "choices":[{"index":0,"message":{"role":"assistant","content":"y"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}';
    const reply = adapter.response(text);
    assert.equal(reply.text, text);
    assert.deepEqual(reply.usage, {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      cached_tokens: 4,
      cache_write_tokens: 0,
      reasoning_tokens: 3,
    });
  });

  it('refuses replies of another form', () => {
    const choice = '{"choices":[{"message":{"content":"y"}}],"usage":';
    for (const text of [
      '',
      '[]',
      '7',
      '{}',
      '{"choices":[]}',
      '{"choices":[7]}',
      `${choice}{"prompt_tokens":-1}}`,
    ]) {
      assert.throws(() => adapter.response(text), { code: 'provider_malformed' }, text);
    }
  });

  it('passes frames as they came and hides the usage frame from a client that did not ask', () => {
    const first =
      '{"id":"c",  "choices":[{"index":0,"delta":{"content":"a \\"usage\\":{ b"},"finish_reason":null}],"usage":null}';
    const last = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}';
    for (const include_usage of [true, false]) {
      const stream = adapter.stream({ include_usage });
      assert.deepEqual(stream.push(frame(first)), [first]);
      assert.deepEqual(stream.push(frame(last)), include_usage ? [last] : []);
      assert.equal(stream.finished, false);
      assert.deepEqual(stream.push(frame('[DONE]')), []);
      assert.equal(stream.finished, true);
      assert.equal(stream.usage?.total_tokens, 3);
      assert.equal(stream.text(), 'a "usage":{ b');
      stream.end();
    }
  });

  it('keeps a frame of several lines on one', () => {
    const stream = adapter.stream({ include_usage: false });
    assert.deepEqual(stream.push(frame('{"choices":\n[]}')), ['{"choices": []}']);
  });

  it('knows a whole stream from a broken one, and tells what was written until then', () => {
    const stream = adapter.stream({ include_usage: false });
    stream.push(frame('{"choices":[{"delta":{"reasoning_content":"hm ","content":"one "}}]}'));
    stream.push(
      frame('{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}]}'),
    );
    assert.throws(() => stream.end(), { code: 'provider_disconnected' });
    assert.equal(stream.text(), 'hm one f{}');
    stream.push(frame('{"choices":[{"delta":{},"finish_reason":"stop"}]}'));
    stream.end();
  });

  it('reads the text of a stream that is longer than what is kept unread', () => {
    const stream = adapter.stream({ include_usage: false });
    const piece = 'z'.repeat(1_000);
    for (let sent = 0; sent < 3_000; sent += 1) {
      stream.push(frame(`{"choices":[{"index":0,"delta":{"content":"${piece}"},"finish_reason":null}]}`));
    }
    assert.equal(stream.text().length, 3_000_000);
  });

  it('refuses frames that are no objects and turns error frames into errors', () => {
    const stream = adapter.stream({ include_usage: false });
    assert.throws(() => stream.push(frame('<html>')), { code: 'provider_malformed' });
    assert.throws(() => stream.push(frame('{"error":{"message":"Slow down","code":429}}')), {
      code: 'rate_limit_exceeded',
      status: 429,
      details: 'The provider answered 429: Slow down',
    });
  });
});

describe("a provider's refusal", () => {
  const refusal = (status: number, message: string, headers = {}) =>
    adapter.error({ status, headers, body: JSON.stringify({ error: { message } }) }, upstream);

  it('keeps status, message and waiting time', () => {
    const limited = refusal(429, 'Too many tokens', { 'retry-after': '7' });
    assert.deepEqual(
      [limited.code, limited.status, limited.retry_after_s, limited.details],
      ['rate_limit_exceeded', 429, 7, 'The provider answered 429: Too many tokens'],
    );
    assert.equal(refusal(429, '', { 'retry-after-ms': '1500' }).retry_after_s, 2);
    assert.equal(refusal(503, '', { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }).retry_after_s, 30);
    assert.equal(refusal(503, '', { 'retry-after': 'soon' }).retry_after_s, null);
    const rejected = refusal(422, 'Bad value');
    assert.deepEqual([rejected.code, rejected.status], ['provider_rejected', 422]);
  });

  it('is a fault of ours where our account is refused, and of the provider where it fails', () => {
    for (const status of [302, 401, 402, 403, 500, 529]) {
      const error = refusal(status, 'x');
      assert.deepEqual([error.code, error.status], ['provider_error', 502], `${status}`);
    }
    for (const status of [408, 504]) assert.equal(refusal(status, 'x').code, 'provider_timeout');
  });

  it('holds no keys, addresses or hosts', () => {
    const secrets = [
      upstream.api_key,
      'sk-proj-abc123',
      'sk_live_****9876',
      'Bearer abcdef',
      'https://user:pw@inner.example.com:8443/v1?key=x',
      'api.example.com',
      '10.0.3.17:8080',
      'llm-7.prod.svc.cluster.local',
      'localhost:9000',
      'fd00:0:0:1::5',
    ];
    for (const secret of secrets) {
      const details = refusal(400, `It failed for ${secret} today.`).details ?? '';
      assert.ok(!details.includes(secret), details);
      assert.match(details, /It failed for \[(key|host|url)\]/);
      assert.match(details, /today\.$/);
    }
    assert.match(
      refusal(400, 'Use key-value pairs; model gpt-4o-mini 1.2 at 10:30').details ?? '',
      /: Use key-value pairs; model gpt-4o-mini 1\.2 at 10:30$/,
    );
  });

  it('says the status alone where the body is no JSON, and keeps long messages short', () => {
    const page = adapter.error({ status: 500, headers: {}, body: '<html>10.1.1.1</html>' }, upstream);
    assert.equal(page.details, 'The provider answered 500.');
    assert.ok((refusal(400, 'x'.repeat(100_000)).details ?? '').length < 1_100);
  });
});
