import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FinishedCall } from '../../../../../src/gateway/ai/operation.ts';
import { messagesWriter } from '../../../../../src/gateway/ai/protocols/anthropic/write.ts';
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
  prompt_audio_tokens: 0,
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

const responded = (message: object, finish_reason = 'stop'): ChatResponse => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt',
  choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
});
const call = (name: string, args: string) => ({
  id: 'a',
  type: 'function',
  function: { name, arguments: args },
});

describe("the writer of Anthropic's responses", () => {
  const write = (response: ChatResponse) =>
    JSON.parse(messagesWriter.whole(response)(ending, NOTHING_USED)) as Record<string, unknown>;

  it('writes thinking, text, calls, and each kind of token separately', () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' };
    const body = write(
      responded({ content: 'Hi', thinking_blocks: [thinking], tool_calls: [call('f', '{"x":1}')] }, 'tool_calls'),
    );
    assert.deepEqual(body.content, [
      thinking,
      { type: 'text', text: 'Hi', citations: null },
      { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
    ]);
    assert.equal(body.stop_reason, 'tool_use');
    const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = body.usage as Record<
      string,
      number
    >;
    assert.deepEqual(
      [input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens],
      [10, 100, 20, 7],
    );
  });

  it('writes the stop reason', () => {
    const forced = responded({ tool_calls: [call('f', '')] });
    const cut = responded({ tool_calls: [call('f', '{"x":')] }, 'length');
    for (const [response, reason] of [
      [responded({ content: 'x' }), 'end_turn'],
      [responded({ content: 'x' }, 'length'), 'max_tokens'],
      [responded({ content: 'x' }, 'content_filter'), 'refusal'],
      [responded({ refusal: 'No.' }), 'refusal'],
      [forced, 'tool_use'],
      [cut, 'max_tokens'],
    ] as const) {
      assert.equal(write(response).stop_reason, reason);
    }
  });

  it('rejects a call with invalid arguments', () => {
    for (const args of ['{', '7', '[]']) {
      assert.throws(() => write(responded({ tool_calls: [call('f', args)] })), {
        code: 'provider_malformed',
      });
    }
  });
});

describe("the writer of Anthropic's streams", () => {
  const chunk = (delta: JsonObject, finish_reason: string | null = null): ChatChunk => ({
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt',
    choices: [{ index: 0, delta, finish_reason }],
  });
  const piece = (index: number, fields: object) => chunk({ tool_calls: [{ index, ...fields }] });
  const write = (chunks: readonly ChatChunk[]) => {
    const frames = messagesWriter.stream();
    const text = chunks.map((each) => frames.chunk(each, null)).join('') + frames.last(ending, NOTHING_USED);
    return text
      .split('\n\n')
      .filter((frame) => frame !== '')
      .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as Record<string, unknown>);
  };

  it('opens and closes one block after the other, and writes usage last', () => {
    const events = write([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'hm' }),
      chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }] }),
      chunk({ content: 'Hi' }),
      chunk({ content: ' you' }),
      piece(0, { id: 'a', function: { name: 'f', arguments: '' } }),
      piece(0, { function: { arguments: '{"x":' } }),
      piece(0, { function: { arguments: '1}' } }),
      piece(1, { id: 'b', function: { name: 'g', arguments: '{}' } }),
      chunk({}, 'tool_calls'),
    ]);
    const start = (index: number, content_block: object) => ({
      type: 'content_block_start',
      index,
      content_block,
    });
    const delta = (index: number, fields: object) => ({ type: 'content_block_delta', index, delta: fields });
    const stop = (index: number) => ({ type: 'content_block_stop', index });
    const use = (id: string, name: string) => ({ type: 'tool_use', id, name, input: {} });
    const json = (partial_json: string) => ({ type: 'input_json_delta', partial_json });
    assert.equal(events[0]?.type, 'message_start');
    assert.deepEqual(events.slice(1, -2), [
      start(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'signature_delta', signature: 's' }),
      stop(0),
      start(1, { type: 'text', text: '', citations: null }),
      delta(1, { type: 'text_delta', text: 'Hi' }),
      delta(1, { type: 'text_delta', text: ' you' }),
      stop(1),
      start(2, use('a', 'f')),
      delta(2, json('{"x":')),
      delta(2, json('1}')),
      stop(2),
      start(3, use('b', 'g')),
      delta(3, json('{}')),
      stop(3),
    ]);
    const [last, end] = events.slice(-2);
    assert.deepEqual(last?.delta, { stop_reason: 'tool_use', stop_sequence: null });
    assert.equal((last!.usage as { input_tokens: number }).input_tokens, 10);
    assert.equal(end?.type, 'message_stop');
  });

  it('keeps a thinking block that comes whole', () => {
    const redacted = { type: 'redacted_thinking', data: 'x' };
    const signed = { type: 'thinking', thinking: 'hm', signature: 's' };
    const events = write([chunk({ thinking_blocks: [redacted, signed] }), chunk({ content: 'x' }, 'stop')]);
    const [, start, , , thought, signature] = events;
    assert.deepEqual(start?.content_block, redacted);
    assert.deepEqual(thought?.delta, { type: 'thinking_delta', thinking: 'hm' });
    assert.deepEqual(signature?.delta, { type: 'signature_delta', signature: 's' });
  });

  it('writes a refusal', () => {
    const events = write([chunk({ refusal: 'I will ' }), chunk({ refusal: 'not.' }), chunk({}, 'stop')]);
    assert.deepEqual(events.at(-2)?.delta, {
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: null, explanation: 'I will not.' },
    });
  });

  /** The final blocks of a reader of the events, assembled as Anthropic's SDK does. */
  const blocksOf = (chunks: readonly ChatChunk[]): readonly unknown[] => {
    const blocks: { head: JsonObject; text: string; is_open: boolean }[] = [];
    for (const { type, index, content_block, delta } of write(chunks)) {
      if (type === 'content_block_start') {
        assert.equal(index, blocks.length);
        assert.ok(!blocks.some(({ is_open }) => is_open), 'one block at a time');
        blocks.push({ head: content_block as JsonObject, text: '', is_open: true });
      } else if (type === 'content_block_delta') {
        const block = blocks[index as number]!;
        assert.ok(block.is_open);
        const { partial_json, text, thinking } = delta as Record<string, string | undefined>;
        block.text += partial_json ?? text ?? thinking ?? '';
      } else if (type === 'content_block_stop') {
        blocks[index as number]!.is_open = false;
      }
    }
    assert.ok(!blocks.some(({ is_open }) => is_open));
    return blocks.map(({ head, text }) => [head.name ?? head.type, text]);
  };

  const opened = (index: number, name: string, given = '') =>
    piece(index, { id: name, function: { name, arguments: given } });
  const more = (index: number, given: string) => piece(index, { function: { arguments: given } });

  it('assembles interleaved calls, the later call after the earlier one', () => {
    const mixed = [
      opened(0, 'f', '{"x":'),
      opened(1, 'g', '{'),
      more(0, '1'),
      chunk({ content: 'and' }),
      more(1, '"y":'),
      more(0, '}'),
      more(1, '2}'),
      more(0, ' '),
      opened(2, 'h', '{}'),
    ];
    assert.deepEqual(blocksOf(mixed), [
      ['f', '{"x":1}'],
      ['g', '{"y":2}'],
      ['text', 'and'],
      ['h', '{}'],
    ]);
    assert.deepEqual(blocksOf([opened(0, 'f'), opened(1, 'g'), more(1, '{}'), more(0, '{}')]), [
      ['f', '{}'],
      ['g', '{}'],
    ]);
    assert.deepEqual(blocksOf([opened(0, 'f', '{"cut'), opened(1, 'g', '{"too')]), [
      ['f', '{"cut'],
      ['g', '{"too'],
    ]);
  });

  it('writes the same calls however their pieces are cut and interleaved', () => {
    const texts = fc.array(
      fc.json().map((value) => `{"v":${value}}`),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(texts, fc.infiniteStream(fc.nat(100)), (given, choices) => {
        const left = given.map((text) => text);
        const begun = new Set<number>();
        const chunks: ChatChunk[] = [];
        const next = (below: number): number => (choices.next().value as number) % below;
        while (left.some((text) => text !== '')) {
          const index = Math.min(next(given.length), begun.size);
          if (left[index] === '') continue;
          const text = left[index]!.slice(0, 1 + next(5));
          left[index] = left[index]!.slice(text.length);
          chunks.push(begun.has(index) ? more(index, text) : opened(index, `f${index}`, text));
          begun.add(index);
        }
        assert.deepEqual(
          blocksOf(chunks),
          given.map((text, index) => [`f${index}`, text]),
        );
      }),
    );
  });

  it('writes a call as it comes while another call waits', () => {
    const frames = messagesWriter.stream();
    frames.chunk(opened(0, 'f', '{'), null);
    assert.equal(frames.chunk(opened(1, 'g', '{'), null), '');
    assert.match(frames.chunk(more(0, '"x":1}'), null), /partial_json":"\\"x\\":1\}".*content_block_start.*"g"/s);
    assert.match(frames.chunk(more(1, '}'), null), /^event: content_block_delta/);
  });

  it('rejects a call without a name, and a call that continues after its end', () => {
    for (const chunks of [
      [opened(0, 'f', '{}'), opened(1, 'g', '{'), more(0, '1')],
      [more(0, '{}')],
      [chunk({ tool_calls: 7 })],
      [chunk({ tool_calls: [7] })],
    ]) {
      assert.throws(() => write(chunks), { code: 'provider_malformed' });
    }
  });
});
