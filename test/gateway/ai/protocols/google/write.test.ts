import assert from 'node:assert/strict';
import { OneVaultError } from '../../../../../src/core/errors.ts';
import type { FinishedCall } from '../../../../../src/gateway/ai/operation.ts';
import { arrayForm } from '../../../../../src/gateway/ai/protocols/google/array-form.ts';
import { statusEnvelope } from '../../../../../src/gateway/ai/protocols/google/error-format.ts';
import { createContentWriter } from '../../../../../src/gateway/ai/protocols/google/write.ts';
import { NOTHING_USED } from '../../../../../src/pricing/rating.ts';
import type { Usage } from '../../../../../src/pricing/usage.ts';
import type { ChatChunk, ChatResponse, JsonObject } from '../../../../../src/providers/chat-form.ts';

const usage: Usage = {
  prompt_tokens: 130,
  completion_tokens: 7,
  total_tokens: 137,
  cached_tokens: 100,
  cache_write_tokens: 20,
  reasoning_tokens: 3,
  prompt_audio_tokens: 5,
  completion_audio_tokens: 0,
};
const ending: FinishedCall = {
  request_id: 'r',
  received_ms: 0,
  usage,
  chosen: null,
  route: null,
  attempts: [],
};

const SIGNED = [{ type: 'thinking', thinking: 'hm', signature: 's' }];
const SIGNATURE = Buffer.from(JSON.stringify(SIGNED)).toString('base64');
const call = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

const responded = (message: object, finish_reason = 'stop', more: object = {}): ChatResponse => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt',
  choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason, ...more }],
});

const THOUGHT = { reasoning_content: 'hm', thinking_blocks: SIGNED };

describe("the writer of Google's responses", () => {
  const write = (response: ChatResponse, shows_thoughts = true) =>
    JSON.parse(createContentWriter({ shows_thoughts }).whole(response)(ending, NOTHING_USED)) as {
      candidates: { content: { parts: JsonObject[] }; finishReason: string; finishMessage?: string }[];
      usageMetadata: JsonObject;
    };

  it('writes requested thoughts, text, signed calls, and each kind of token separately', () => {
    const calls = [call('a', 'f', '{"x":1}'), call('b', 'g', '')];
    const response = responded({ content: 'Hi', ...THOUGHT, tool_calls: calls }, 'tool_calls');
    const text_and_calls = [
      { text: 'Hi' },
      { functionCall: { id: 'a', name: 'f', args: { x: 1 } }, thoughtSignature: SIGNATURE },
      { functionCall: { id: 'b', name: 'g', args: {} } },
    ];
    const { candidates, ...rest } = write(response);
    assert.deepEqual(candidates, [
      {
        content: { parts: [{ text: 'hm', thought: true }, ...text_and_calls], role: 'model' },
        finishReason: 'STOP',
        index: 0,
      },
    ]);
    assert.deepEqual(rest, {
      usageMetadata: {
        promptTokenCount: 130,
        candidatesTokenCount: 4,
        totalTokenCount: 137,
        cachedContentTokenCount: 100,
        thoughtsTokenCount: 3,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 125 },
          { modality: 'AUDIO', tokenCount: 5 },
        ],
      },
      modelVersion: 'gpt',
      responseId: 'c1',
    });
    assert.deepEqual(write(response, false).candidates[0]?.content.parts, text_and_calls);
  });

  it('writes the finish reason and the log probabilities', () => {
    const reason = (response: ChatResponse) => {
      const [first] = write(response).candidates;
      return [first?.finishReason, first?.finishMessage];
    };
    assert.deepEqual(reason(responded({ content: 'x' })), ['STOP', undefined]);
    assert.deepEqual(reason(responded({ content: 'x' }, 'length')), ['MAX_TOKENS', undefined]);
    assert.deepEqual(reason(responded({ content: 'x' }, 'content_filter')), ['SAFETY', undefined]);
    assert.deepEqual(reason(responded({ refusal: 'No.' })), ['SAFETY', 'No.']);
    const token = { token: 'x', logprob: -0.5, bytes: [120] };
    const logprobs = { content: [{ ...token, top_logprobs: [token] }] };
    const candidate = { token: 'x', logProbability: -0.5 };
    assert.deepEqual(
      (write(responded({ content: 'x' }, 'stop', { logprobs })).candidates[0] as JsonObject).logprobsResult,
      { chosenCandidates: [candidate], topCandidates: [{ candidates: [candidate] }] },
    );
  });

  it('rejects a call with invalid arguments, unless the token limit cut them', () => {
    for (const args of ['{', '7', '[]']) {
      const response = (finish: string) => responded({ tool_calls: [call('a', 'f', args)] }, finish);
      assert.throws(() => write(response('tool_calls')), { code: 'provider_malformed' });
      assert.equal(write(response('length')).candidates[0]?.finishReason, 'MAX_TOKENS');
    }
  });
});

describe("the writer of Google's streams", () => {
  const chunk = (delta: JsonObject, finish_reason: string | null = null, index = 0): ChatChunk => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt',
    choices: [{ index, delta, finish_reason }],
  });
  const piece = (index: number, fields: object) => chunk({ tool_calls: [{ index, ...fields }] });
  type Frame = { candidates: { content: { parts: JsonObject[] }; finishReason?: string }[] };
  const write = (chunks: readonly ChatChunk[], shows_thoughts = true): readonly Frame[] => {
    const frames = createContentWriter({ shows_thoughts }).stream();
    const text = chunks.map((each) => frames.chunk(each, null)).join('') + frames.last(ending, NOTHING_USED);
    return text
      .split('\n\n')
      .filter((frame) => frame !== '')
      .map((frame) => JSON.parse(frame.slice('data: '.length)) as Frame);
  };
  const partsOf = (frames: readonly Frame[]) =>
    frames.flatMap(({ candidates }) => candidates.flatMap(({ content }) => content.parts));

  it('writes calls whole and signed, however their pieces come, and usage with the last frame', () => {
    const frames = write([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'hm' }),
      chunk({ thinking_blocks: SIGNED }),
      chunk({ content: 'Hi' }),
      piece(0, { id: 'a', function: { name: 'f', arguments: '' } }),
      piece(1, { id: 'b', function: { name: 'g', arguments: '{' } }),
      piece(0, { function: { arguments: '{"x":1}' } }),
      piece(1, { function: { arguments: '}' } }),
      chunk({}, 'tool_calls'),
    ]);
    assert.deepEqual(partsOf(frames), [
      { text: 'hm', thought: true },
      { text: 'Hi' },
      { functionCall: { id: 'a', name: 'f', args: { x: 1 } }, thoughtSignature: SIGNATURE },
      { functionCall: { id: 'b', name: 'g', args: {} } },
      { text: '' },
    ]);
    assert.deepEqual(
      frames.map(({ candidates }) => candidates[0]?.finishReason),
      [undefined, undefined, undefined, 'STOP'],
    );
    assert.equal((frames.at(-1) as unknown as { usageMetadata: JsonObject }).usageMetadata.totalTokenCount, 137);
    assert.deepEqual(partsOf(write([chunk({ reasoning_content: 'hm' })], false)), [{ text: '' }]);
  });

  it('writes refusals, several candidates, and calls of a stream without a finish reason', () => {
    const refused = write([chunk({ refusal: 'No' }), chunk({ refusal: '.' }), chunk({}, 'stop')]).at(-1)!;
    assert.deepEqual(refused.candidates[0], {
      content: { parts: [{ text: '' }], role: 'model' },
      finishReason: 'SAFETY',
      finishMessage: 'No.',
      index: 0,
    });
    const two = write([chunk({ content: 'a' }), chunk({ content: 'b' }, 'length', 1)]).at(-1)!;
    assert.deepEqual(
      two.candidates.map(({ finishReason }) => finishReason),
      ['STOP', 'MAX_TOKENS'],
    );
    const open = write([piece(0, { id: 'a', function: { name: 'f', arguments: '{"x":1}' } })]);
    assert.deepEqual(partsOf(open), [{ functionCall: { id: 'a', name: 'f', args: { x: 1 } } }]);
  });

  it('rejects an invalid call', () => {
    assert.throws(() => write([piece(0, { id: 'a' })]), { code: 'provider_malformed' });
    const call_0 = piece(0, { id: 'a', function: { name: 'f', arguments: '{' } });
    assert.throws(() => write([call_0, chunk({}, 'tool_calls')]), { code: 'provider_malformed' });
    assert.throws(() => write([chunk({ tool_calls: 7 })]), { code: 'provider_malformed' });
  });

  it('writes a list whose items are the data of the events', () => {
    const pushed = ['data: {"a":\ndata: 1}\n\ndata:{"b":2}\r\n\r\n', '', ': a comment\n\n', 'data: 3\r\r'];
    const frames = arrayForm.reframe({
      push: () => pushed.shift()!,
      end: () => {},
      last: () => 'data: 4\n\n',
      is_over: false,
      keep_alive: '',
      usage: null,
      written: () => '',
    });
    const event = { event: '', data: 'x' };
    const text = [event, event, event, event].map((each) => frames.push(each)).join('');
    assert.equal(text, '[{"a":\n1},\r\n{"b":2},\r\n3');
    assert.equal(frames.push({ data: null, raw: ': x\n\n' }), '');
    assert.equal(frames.last(ending, NOTHING_USED), ',\r\n4]');
    const error = new OneVaultError('provider_error');
    assert.doesNotThrow(() => JSON.parse(`${text}${arrayForm.broken(error, 'r', 0, 0)}`));
  });
});

describe("an error in Google's format", () => {
  it("has the status as a number and as a word, and the gateway's own fields in its details", () => {
    const error = new OneVaultError('rate_limit_exceeded', {
      details: 'More.',
      param: 'a.b',
      retry_after_s: 3,
    });
    assert.deepEqual(statusEnvelope(error, 'r', 0), {
      error: {
        code: 429,
        message: 'The rate limit is reached. Retry after the time in Retry-After. More. Please try again in 3s.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'onevault',
            metadata: {
              request_id: 'r',
              timestamp: '1970-01-01T00:00:00.000Z',
              type: 'rate_limit_error',
              param: 'a.b',
            },
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [
              { field: 'a.b', description: 'The rate limit is reached. Retry after the time in Retry-After. More.' },
            ],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' },
        ],
      },
    });
  });
});
