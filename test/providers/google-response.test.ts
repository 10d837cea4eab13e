import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bodyText } from '../../src/core/body.ts';
import { OneVaultError } from '../../src/core/errors.ts';
import type { ChatChunk } from '../../src/providers/chat-form.ts';
import { createUnsupportedFields } from '../../src/providers/unsupported-fields.ts';
import { adapters, CLOCK, STRICT, upstreamAt } from './support.ts';

const adapter = adapters.google;
const upstream = upstreamAt('https://api.example.com', 'google');

const USAGE = {
  promptTokenCount: 100,
  candidatesTokenCount: 7,
  thoughtsTokenCount: 3,
  totalTokenCount: 115,
  cachedContentTokenCount: 40,
  toolUsePromptTokenCount: 5,
  promptTokensDetails: [
    { modality: 'TEXT', tokenCount: 70 },
    { modality: 'AUDIO', tokenCount: 20 },
    { modality: 'IMAGE', tokenCount: 10 },
  ],
  candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 2 }],
  cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 15 }],
};
const response = (parts: readonly object[], fields: object = {}, more: object = {}) => ({
  candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...fields }],
  usageMetadata: USAGE,
  modelVersion: 'gemini-3',
  responseId: 'r1',
  ...more,
});
const read = (json: object) => adapter.chat.response(JSON.stringify(json));

describe('a response of Google', () => {
  it('is translated with separate text, thoughts, calls, signatures and each kind of token', () => {
    const { result, usage } = read(
      response([
        { text: 'hm', thought: true },
        { text: 'Hello', thoughtSignature: 'dGV4dA==' },
        { functionCall: { id: 'c1', name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' },
        { functionCall: { name: 'g' } },
        { executableCode: { code: 'x' } },
      ]),
    );
    assert.deepEqual([result.id, result.model, result.object], ['r1', 'gemini-3', 'chat.completion']);
    assert.equal(result.created, Math.floor(CLOCK.now() / 1_000));
    const { message, finish_reason } = result.choices[0]!;
    const id = message.tool_calls![1]!.id;
    assert.match(id, /^call_[0-9a-f]{24}$/);
    assert.deepEqual(message, {
      role: 'assistant',
      content: 'Hello',
      refusal: null,
      reasoning_content: 'hm',
      thinking_blocks: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'redacted_thinking', data: 'onevault.google::dGV4dA==' },
        { type: 'redacted_thinking', data: 'onevault.google:c1:c2ln' },
      ],
      tool_calls: [
        {
          id: 'c1',
          type: 'function',
          function: { name: 'f', arguments: '{"a":1}' },
          extra_content: { google: { thought_signature: 'c2ln' } },
        },
        { id, type: 'function', function: { name: 'g', arguments: '{}' } },
      ],
    });
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(usage, {
      prompt_tokens: 105,
      completion_tokens: 10,
      total_tokens: 115,
      cached_tokens: 40,
      cache_write_tokens: 0,
      reasoning_tokens: 3,
      prompt_audio_tokens: 20,
      prompt_image_tokens: 10,
      completion_audio_tokens: 2,
      cached_audio_tokens: 15,
    });
  });

  it('is translated with its finish reason', () => {
    for (const [finishReason, expected] of [
      ['STOP', 'stop'],
      ['MAX_TOKENS', 'length'],
      ['SAFETY', 'content_filter'],
      ['RECITATION', 'content_filter'],
      ['PROHIBITED_CONTENT', 'content_filter'],
      ['A_NEW_ONE', 'content_filter'],
    ] as const) {
      const { result } = read(response([{ text: 'x' }], { finishReason, finishMessage: 'why' }));
      const [choice] = result.choices;
      assert.equal(choice?.finish_reason, expected, finishReason);
      const is_refused = expected === 'content_filter' && finishReason !== 'A_NEW_ONE';
      assert.equal(choice?.message.refusal, is_refused ? 'why' : null);
    }
    const blocked = read({ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: USAGE });
    assert.equal(blocked.result.choices[0]!.finish_reason, 'content_filter');
    assert.match(String(blocked.result.choices[0]!.message.refusal), /SAFETY/);
    assert.equal(blocked.usage?.prompt_tokens, 105);
  });

  it("is a failure that is charged if the model's output is malformed", () => {
    for (const finishReason of ['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'MALFORMED_RESPONSE']) {
      const frame = response([{ text: 'x' }], { finishReason, finishMessage: `print(${'x'.repeat(1_000)}` });
      const { broken, usage } = read(frame);
      assert.equal(broken?.code, 'provider_malformed');
      assert.match(String(broken?.details), new RegExp(`${finishReason}.*print`));
      assert.ok(broken!.details!.length < 400);
      assert.equal(usage?.prompt_tokens, 105);
      const stream = adapter.chat.stream();
      assert.throws(() => stream.push({ event: '', data: JSON.stringify(frame) }), {
        code: 'provider_malformed',
      });
      assert.equal(stream.usage?.prompt_tokens, 105);
    }
  });

  it("is translated with log probabilities in OpenAI's form", () => {
    const chosen = { token: 'é', tokenId: 7, logProbability: -0.5 };
    const logprobsResult = {
      chosenCandidates: [chosen],
      topCandidates: [{ candidates: [chosen, { token: 'e', logProbability: -1 }] }],
    };
    const { result } = read(response([{ text: 'é' }], { logprobsResult }));
    const token = { token: 'é', logprob: -0.5, bytes: [195, 169] };
    assert.deepEqual(result.choices[0]!.logprobs, {
      content: [{ ...token, top_logprobs: [token, { token: 'e', logprob: -1, bytes: [101] }] }],
      refusal: null,
    });
  });

  it('is refused if it is malformed', () => {
    for (const json of [
      {},
      { candidates: 7 },
      { candidates: [7] },
      { candidates: [] },
      response([7 as never]),
      response([{ text: 7 }]),
      response([{ functionCall: 7 }]),
      response([{ functionCall: { name: 'f', args: [] } }]),
      response([], {}, { usageMetadata: 7 }),
      response([], {}, { usageMetadata: { promptTokenCount: -1 } }),
      { candidates: [{ content: { parts: 7 } }] },
    ]) {
      assert.throws(() => read(json), { code: 'provider_malformed' }, JSON.stringify(json));
    }
    for (const text of ['', '[]', '{']) {
      assert.throws(() => adapter.chat.response(text), { code: 'provider_malformed' });
    }
  });
});

const streamOf = (frames: readonly object[]) => {
  const stream = adapter.chat.stream();
  const chunks: ChatChunk[] = [];
  for (const frame of frames) chunks.push(...stream.push({ event: '', data: JSON.stringify(frame) }));
  return { stream, chunks };
};

describe('a stream of Google', () => {
  it('is translated into chunks with complete, numbered calls, and usage at the end', () => {
    const piece = (parts: readonly object[], fields: object = {}) =>
      response(parts, { finishReason: undefined, ...fields });
    const { stream, chunks } = streamOf([
      piece([{ text: 'hm', thought: true }]),
      piece([{ text: 'Hi' }]),
      piece([{ functionCall: { id: 'a', name: 'f', args: {} }, thoughtSignature: 'c2ln' }]),
      piece([{ functionCall: { id: 'b', name: 'g', args: { x: 1 } } }]),
      piece([{ text: '' }], { finishReason: 'STOP' }),
    ]);
    stream.end();
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]!.delta),
      [
        { role: 'assistant', reasoning_content: 'hm' },
        { content: 'Hi' },
        {
          thinking_blocks: [{ type: 'redacted_thinking', data: 'onevault.google:a:c2ln' }],
          tool_calls: [
            {
              index: 0,
              id: 'a',
              type: 'function',
              function: { name: 'f', arguments: '{}' },
              extra_content: { google: { thought_signature: 'c2ln' } },
            },
          ],
        },
        {
          tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{"x":1}' } }],
        },
        {},
      ],
    );
    assert.equal(chunks.at(-1)!.choices[0]!.finish_reason, 'tool_calls');
    assert.equal(stream.usage?.completion_tokens, 10);
    assert.equal(stream.text(), 'hmHif{}g{"x":1}');
  });

  it('is translated with separate candidates', () => {
    const at = (index: number, text: string, finishReason?: string) => ({
      index,
      content: { parts: [{ text }] },
      finishReason,
    });
    const { chunks } = streamOf([
      { candidates: [at(0, 'a'), at(1, 'b')] },
      { candidates: [at(1, 'c', 'STOP')] },
      { candidates: [at(0, 'd', 'MAX_TOKENS')] },
    ]);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    assert.deepEqual(
      choices.map(({ index, delta, finish_reason }) => [index, delta.role, delta.content, finish_reason]),
      [
        [0, 'assistant', 'a', null],
        [1, 'assistant', 'b', null],
        [1, undefined, 'c', 'stop'],
        [0, undefined, 'd', 'length'],
      ],
    );
  });

  it('fails if it ends without a finish reason or contains an error', () => {
    const { stream } = streamOf([response([{ text: 'Hi' }], { finishReason: undefined })]);
    assert.throws(() => stream.end(), { code: 'provider_disconnected' });
    assert.equal(stream.text(), 'Hi');
    for (const [code, expected] of [
      [429, 'provider_rate_limited'],
      [503, 'provider_error'],
      ['x', 'provider_error'],
    ] as const) {
      assert.throws(() => streamOf([{ error: { code, message: 'no', status: 'X' } }]), { code: expected });
    }
    const { stream: blocked, chunks } = streamOf([{ promptFeedback: { blockReason: 'OTHER' } }]);
    blocked.end();
    assert.equal(chunks[0]!.choices[0]!.finish_reason, 'content_filter');
  });

  it('is translated or refused, whatever it contains, and never causes an internal error', () => {
    const json = fc.jsonValue({ maxDepth: 5 });
    const part = fc.record(
      { text: json, thought: json, functionCall: json, thoughtSignature: json },
      { requiredKeys: [] },
    );
    const candidate = fc.record(
      { content: fc.oneof(json, fc.record({ parts: fc.array(part) })), finishReason: json, index: json },
      { requiredKeys: [] },
    );
    const frame = fc.record(
      {
        candidates: fc.oneof(json, fc.array(candidate)),
        usageMetadata: json,
        promptFeedback: json,
        error: json,
        responseId: json,
      },
      { requiredKeys: [] },
    );
    const passthrough = adapter.passthroughs['google-generate']!;
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 3 }), (frames) => {
        for (const stream of [adapter.chat.stream(), passthrough.stream!({ include_usage: true })]) {
          try {
            for (const each of frames) stream.push({ event: '', data: JSON.stringify(each) });
            stream.end();
            stream.text();
          } catch (error) {
            assert.ok(error instanceof OneVaultError, String(error));
            assert.notEqual(error.code, 'internal_error');
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('an error response of Google', () => {
  const refused = (status: number, error: object, headers = {}) =>
    adapter.error({ status, headers, body: JSON.stringify({ error }) }, upstream);
  const detail = (fields: object) => ({ message: 'm', details: [{ '@type': 'x', ...fields }] });

  it('is reported with its status and message, also from a list, without keys and hosts', () => {
    const sentence = `Bad key ${upstream.api_key} or AIzaSyA1234567890abcdef at https://api.example.com/x`;
    const error = refused(400, { code: 400, message: sentence, status: 'INVALID_ARGUMENT' });
    assert.equal(error.code, 'provider_rejected');
    assert.equal(error.status, 400);
    assert.equal(error.details, 'The provider answered 400: Bad key [key] or [key] at [url]');
    const listed = adapter.error({ status: 404, headers: {}, body: '[{"error":{"message":"none"}}]' }, upstream);
    assert.match(listed.details!, /none/);
    for (const body of ['', '<html>', '7', '{"error":7}']) {
      assert.equal(adapter.error({ status: 500, headers: {}, body }, upstream).code, 'provider_error');
    }
  });

  it('is reported with the time to wait, and as our own fault if our key is wrong', () => {
    const limited = refused(429, detail({ retryDelay: '34.5s' }));
    assert.equal(limited.code, 'provider_rate_limited');
    assert.equal(limited.retry_after_s, 35);
    assert.equal(refused(400, detail({ reason: 'API_KEY_INVALID' })).code, 'provider_error');
    assert.equal(refused(403, detail({})).code, 'provider_error');
  });
});

describe("the adapter of Google's embeddings", () => {
  const target = { model: 'g', stream: false, upstream };
  const requestOf = (fields: object, unsupported = STRICT) =>
    adapter.embeddings!.request({ model: 'a', input: 'one', ...fields }, target, unsupported);

  it('sends all texts in one call, each with the model and its task type', () => {
    const { path, body } = requestOf({ input: ['one', 'two'], dimensions: 8, task_type: 'CLUSTERING', title: 'T' });
    assert.equal(path, '/v1beta/models/g:batchEmbedContents');
    const about = { taskType: 'CLUSTERING', title: 'T', outputDimensionality: 8 };
    assert.deepEqual(JSON.parse(bodyText(body)).requests, [
      { model: 'models/g', content: { parts: [{ text: 'one' }] }, ...about },
      { model: 'models/g', content: { parts: [{ text: 'two' }] }, ...about },
    ]);
    assert.throws(() => requestOf({ input: [1, 2] }), { code: 'unsupported_feature', param: 'input' });
    assert.throws(() => requestOf({ input: [[1]] }, createUnsupportedFields(true)), { code: 'unsupported_feature' });
    assert.throws(() => requestOf({ x_new: 1 }), { code: 'unsupported_feature', param: 'x_new' });
  });

  it('reads vectors in order, and refuses malformed ones', () => {
    const { result } = adapter.embeddings!.response('{"embeddings":[{"values":[1,2]},{"values":[3]}]}');
    assert.deepEqual(result.vectors, [[1, 2], [3]]);
    for (const text of ['{}', '{"embeddings":[7]}', '{"embeddings":[{"values":["x"]}]}']) {
      assert.throws(() => adapter.embeddings!.response(text), { code: 'provider_malformed' });
    }
  });
});
