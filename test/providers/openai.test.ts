import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import type { ChatRequest } from '../../src/providers/chat-form.ts';
import type { SseEvent } from '../../src/providers/contract.ts';
import { createUnsupportedFields } from '../../src/providers/unsupported-fields.ts';
import { adapters, STRICT, upstreamAt } from './support.ts';

const adapter = adapters.openai;
const upstream = upstreamAt('https://api.example.com', 'openai');
const passthrough = adapter.passthroughs['openai-chat']!;
const frame = (data: string): SseEvent => ({ event: '', data });

const answer = (usage: string): string => `{"choices":[{"message":{"content":"y"}}],"usage":${usage}}`;

describe("OpenAI's adapter", () => {
  it("sends OpenAI's own fields unchanged, and translates those of other protocols", () => {
    const { path, headers, body } = adapter.chat.request(
      {
        model: 'alias',
        messages: [{ role: 'user', content: 'hi', name: 'ann' }],
        seed: 7,
        thinking: { type: 'enabled', budget_tokens: 9_000 },
        cache_control: {},
        tools: [{ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral' } }],
      },
      { model: 'gpt-x', stream: true, upstream },
      STRICT,
    );
    assert.equal(path, '/chat/completions');
    assert.equal(headers.authorization, `Bearer ${upstream.api_key}`);
    assert.deepEqual(JSON.parse(bodyText(body)), {
      model: 'gpt-x',
      messages: [{ role: 'user', content: 'hi', name: 'ann' }],
      seed: 7,
      reasoning_effort: 'medium',
      tools: [{ type: 'function', function: { name: 'f' } }],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('sends images of tool results after them, marks failed tools, and drops the thinking of other providers', () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    const tool_calls = [{ id: 'a', type: 'function' as const, function: { name: 'f', arguments: '{}' } }];
    const { body } = adapter.chat.request(
      {
        model: 'm',
        messages: [
          { role: 'assistant', content: null, tool_calls, thinking_blocks: [{ type: 'thinking' }] },
          { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'see' }, image] },
          { role: 'tool', tool_call_id: 'b', content: 'no such file', is_error: true },
          { role: 'user', content: [{ type: 'file', file: { filename: 'T', text: 'body' } }] },
        ],
      },
      { model: 'm', stream: false, upstream },
      STRICT,
    );
    const text = (content: string) => ({ type: 'text', text: content });
    assert.deepEqual((JSON.parse(bodyText(body)) as { messages: unknown }).messages, [
      { role: 'assistant', content: null, tool_calls },
      { role: 'tool', tool_call_id: 'a', content: 'see' },
      { role: 'tool', tool_call_id: 'b', content: [text('Error: '), text('no such file')] },
      { role: 'user', content: [text('Attached to the result of the tool call a:'), image] },
      { role: 'user', content: [text('T\nbody')] },
    ]);
  });

  it('refuses an unsupported field by name, or leaves it out', () => {
    const given = {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'file', file: { file_url: 'https://example.com' } }] }],
    };
    const target = { model: 'm', stream: false, upstream };
    for (const [fields, param] of [
      [{ top_k: 4 }, 'top_k'],
      [{ some_new_field: 1 }, 'some_new_field'],
      [{ constructor: 1 }, 'constructor'],
      [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
      [{ messages: given.messages }, 'messages[0].content[0].file.file_url'],
    ] as const) {
      const request = { ...given, messages: [], ...fields } as ChatRequest;
      const refused = { code: 'unsupported_feature', param };
      assert.throws(() => adapter.chat.request(request, target, STRICT), refused, param);
      const unsupported = createUnsupportedFields(true);
      adapter.chat.request(request, target, unsupported);
      assert.deepEqual(unsupported.paths, [param]);
    }
  });

  it('reads every kind of usage in a response', () => {
    const usage =
      '{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":2},"completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":1}}';
    assert.deepEqual(adapter.chat.response(answer(usage)).usage, {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      cached_tokens: 4,
      cache_write_tokens: 0,
      reasoning_tokens: 3,
      prompt_audio_tokens: 2,
      completion_audio_tokens: 1,
    });
  });

  it('refuses malformed responses', () => {
    for (const text of ['', '[]', '7', '{}', '{"choices":[]}', '{"choices":[7]}', answer('{"prompt_tokens":-1}')]) {
      assert.throws(() => adapter.chat.response(text), { code: 'provider_malformed' }, text);
      assert.throws(() => passthrough.response!(text), { code: 'provider_malformed' }, text);
    }
  });

  it('reads chunks, and separates the usage from them', () => {
    const stream = adapter.chat.stream();
    const choices = [{ index: 0, delta: { content: 'a' }, finish_reason: null }];
    assert.deepEqual(stream.push(frame(JSON.stringify({ id: 'c', choices, usage: null }))), [{ id: 'c', choices }]);
    assert.deepEqual(stream.push(frame('{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}')), []);
    assert.throws(() => stream.end(), { code: 'provider_disconnected' });
    stream.push(frame('[DONE]'));
    stream.end();
    assert.equal(stream.usage?.total_tokens, 3);
    assert.equal(stream.text(), 'a');
  });

  it('refuses malformed chunks', () => {
    for (const data of ['<html>', '7', '{"choices":7}', '{"choices":[7]}', '{"choices":[{"delta":7}]}']) {
      assert.throws(() => adapter.chat.stream().push(frame(data)), { code: 'provider_malformed' }, data);
    }
  });
});

describe("OpenAI's passthrough", () => {
  const pass = (body: string, stream: boolean): string =>
    bodyText(passthrough.request(body, { model: 'gpt-x', stream, upstream }, {}, STRICT).body);

  it('changes only the model and, in a stream, the request for usage', () => {
    const rest = '"n":12345678901234567890,"x":1.0,\n "x" : {"model":"mine","stream_options":7},"u":"\\u00e9"';
    assert.equal(pass(`{ "model" : "gpt-x",${rest}}`, false), `{ "model" : "gpt-x",${rest}}`);
    assert.equal(pass(`{${rest}, "model":"a\\"b" }`, false), `{${rest}, "model":"gpt-x" }`);
    assert.equal(
      pass(`{"model":"gpt-x",${rest} }`, true),
      `{"model":"gpt-x",${rest},"stream_options":{"include_usage":true} }`,
    );
    for (const [given, sent] of [
      ['null', '{"include_usage":true}'],
      ['{}', '{"include_usage":true}'],
      ['{ "include_usage" : false, "a":1}', '{ "include_usage" : true, "a":1}'],
      ['{ "include_usage" : true }', '{ "include_usage" : true }'],
    ]) {
      assert.equal(
        pass(`{"stream_options": ${given},"model":"gpt-x"}`, true),
        `{"stream_options": ${sent},"model":"gpt-x"}`,
      );
    }
  });

  it('refuses a duplicate field that determines the cost, however it is written', () => {
    for (const body of ['{"model":"a","model":"b"}', '{"max_tokens":1,"max\\u005ftokens":9}']) {
      assert.throws(() => pass(body, false), { code: 'invalid_request' }, body);
    }
  });

  it('passes frames through unchanged, but hides usage that only the gateway requested', () => {
    const start = '{"id":"c",  "choices":[{"index":0,"delta":{"content":"a \\"usage\\":{ b"},"finish_reason":null}]';
    const last = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}';
    for (const include_usage of [true, false]) {
      const stream = passthrough.stream!({ include_usage });
      for (const [tail, hidden] of [
        [',"usage":null}', '}'],
        [',"usage":null,"obfuscation":"xyz"}', ',"obfuscation":"xyz"}'],
        [', "usage" : null ,"x":{"usage":null}}', ', "x":{"usage":null}}'],
        [',"x":{"a":1,"usage":null}}', ',"x":{"a":1,"usage":null}}'],
      ]) {
        const shown = `data: ${start}${include_usage ? tail : hidden}\n\n`;
        assert.equal(stream.push(frame(start + tail)), shown);
      }
      assert.equal(stream.push(frame(last)), include_usage ? `data: ${last}\n\n` : '');
      assert.equal(stream.push(frame('[DONE]')), '');
      assert.equal(stream.last(), 'data: [DONE]\n\n');
      assert.equal(stream.usage?.total_tokens, 3);
      assert.equal(stream.text(), 'a "usage":{ b'.repeat(4));
      stream.end();
    }
  });

  it('keeps the name and all lines of an event', () => {
    const stream = passthrough.stream!({ include_usage: false });
    assert.equal(stream.push({ event: 'x', data: '{"choices":\n[]}' }), 'event: x\ndata: {"choices":\ndata: []}\n\n');
  });

  it('distinguishes a complete stream from a broken one, and returns the text until then', () => {
    const stream = passthrough.stream!({ include_usage: false });
    stream.push(frame('{"choices":[{"delta":{"reasoning_content":"hm ","content":"one "}}]}'));
    stream.push(frame('{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}}]}'));
    assert.throws(() => stream.end(), { code: 'provider_disconnected' });
    assert.equal(stream.text(), 'hm one f{}');
    stream.push(frame('{"choices":[{"delta":{},"finish_reason":"stop"}]}'));
    stream.end();
  });

  it('reads the text of a stream that exceeds the limit of unread frames', () => {
    const stream = passthrough.stream!({ include_usage: false });
    const piece = 'z'.repeat(1_000);
    for (let sent = 0; sent < 2_000; sent += 1) {
      stream.push(frame(`{"choices":[{"index":0,"delta":{"content":"${piece}"},"finish_reason":null}]}`));
    }
    assert.equal(stream.text().length, 2_000_000);
  });

  it('refuses frames that are not objects, and fails with the error of an error frame', () => {
    const stream = passthrough.stream!({ include_usage: false });
    assert.throws(() => stream.push(frame('<html>')), { code: 'provider_malformed' });
    assert.throws(() => stream.push(frame('{"error":{"message":"Slow down","code":429}}')), {
      code: 'provider_rate_limited',
      status: 429,
      details: 'The provider answered 429: Slow down',
    });
  });
});

describe('an error response of a provider', () => {
  const refusal = (status: number, message: string, headers = {}) =>
    adapter.error({ status, headers, body: JSON.stringify({ error: { message } }) }, upstream);

  it('is reported with its status, its message and the time to wait', () => {
    const limited = refusal(429, 'Too many tokens', { 'retry-after': '7' });
    assert.deepEqual(
      [limited.code, limited.status, limited.retry_after_s, limited.details],
      ['provider_rate_limited', 429, 7, 'The provider answered 429: Too many tokens'],
    );
    assert.equal(refusal(429, '', { 'retry-after-ms': '1500' }).retry_after_s, 2);
    assert.equal(refusal(503, '', { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }).retry_after_s, 30);
    assert.equal(refusal(503, '', { 'retry-after': 'soon' }).retry_after_s, null);
    const rejected = refusal(422, 'Bad value');
    assert.deepEqual([rejected.code, rejected.status], ['provider_rejected', 422]);
  });

  it('is reported as a provider error if our account was refused or the provider failed', () => {
    for (const status of [302, 401, 402, 403, 500, 529]) {
      const error = refusal(status, 'x');
      assert.deepEqual([error.code, error.status], ['provider_error', 502], `${status}`);
    }
    for (const status of [408, 504]) assert.equal(refusal(status, 'x').code, 'provider_timeout');
  });

  it('is reported without keys, addresses and hosts', () => {
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

  it('is reported with its status only if its body is not JSON, and with long messages cut', () => {
    const page = adapter.error({ status: 500, headers: {}, body: '<html>10.1.1.1</html>' }, upstream);
    assert.equal(page.details, 'The provider answered 500.');
    assert.ok((refusal(400, 'x'.repeat(100_000)).details ?? '').length < 1_100);
  });
});
