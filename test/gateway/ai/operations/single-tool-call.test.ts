import assert from 'node:assert/strict';
import { singleToolCall } from '../../../../src/gateway/ai/operations/single-tool-call.ts';
import type { ChatChunk, ChatResponse, ToolCall } from '../../../../src/providers/chat-form.ts';

const call = (id: string): ToolCall => ({ id, type: 'function', function: { name: id, arguments: '{}' } });

const responseOf = (...choices: (readonly string[])[]): ChatResponse => ({
  id: 'x',
  object: 'chat.completion',
  created: 0,
  model: 'm',
  choices: choices.map((ids, index) => ({
    index,
    message: { role: 'assistant', content: 'Hi', tool_calls: ids.map(call) },
    finish_reason: 'tool_calls',
  })),
});

const chunkOf = (index: number, delta: ChatChunk['choices'][number]['delta']): ChatChunk => ({
  id: 'x',
  object: 'chat.completion.chunk',
  created: 0,
  model: 'm',
  choices: [{ index, delta, finish_reason: null }],
});

const pieces = (chunk: ChatChunk): (string | undefined)[] =>
  (chunk.choices[0]!.delta.tool_calls ?? []).map((piece) => piece.id ?? piece.function?.arguments);

const request = { model: 'm', messages: [] };

describe('the single tool call filter', () => {
  it('keeps the first call of each choice of a whole response', () => {
    const bounded = singleToolCall({ ...request, parallel_tool_calls: false });
    assert.deepEqual(bounded.whole(responseOf(['a', 'b', 'c'], [], ['d'])), responseOf(['a'], [], ['d']));
  });

  it('keeps the first call of each choice of a stream, with all of its pieces', () => {
    const take = singleToolCall({ ...request, parallel_tool_calls: false }).stream();
    const of = (index: number, id: string) => ({ index, ...call(id) });
    const more = (index: number, text: string) => ({ index, function: { arguments: text } });
    assert.deepEqual(pieces(take(chunkOf(0, { tool_calls: [of(3, 'a'), of(4, 'b')] }))), ['a']);
    assert.deepEqual(pieces(take(chunkOf(1, { tool_calls: [of(4, 'c')] }))), ['c']);
    assert.deepEqual(pieces(take(chunkOf(0, { tool_calls: [more(4, '2'), more(3, '1')] }))), ['1']);
    assert.deepEqual(take(chunkOf(0, { content: 'x', tool_calls: [of(5, 'd')] })), chunkOf(0, { content: 'x' }));
    const text_chunk = chunkOf(0, { role: 'assistant', content: 'x' });
    assert.deepEqual(take(text_chunk), text_chunk);
  });

  it('keeps all calls if the client allows several', () => {
    for (const chat of [request, { ...request, parallel_tool_calls: true }]) {
      const response = responseOf(['a', 'b']);
      assert.equal(singleToolCall(chat).whole(response), response);
      const chunk = chunkOf(0, { tool_calls: [{ index: 0 }, { index: 1 }] });
      assert.equal(singleToolCall(chat).stream()(chunk), chunk);
    }
  });
});
