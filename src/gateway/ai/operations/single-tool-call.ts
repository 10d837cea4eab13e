import type { ChatChunk, ChatRequest, ChatResponse } from '../../../providers/chat-form.ts';

/** Replies of the pivot form as their client may see them. */
export interface SingleToolCall {
  whole(response: ChatResponse): ChatResponse;
  /** Bounds one stream, whose chunks it is given in order. */
  stream(): (chunk: ChatChunk) => ChatChunk;
}

const AS_THEY_ARE: SingleToolCall = { whole: (response) => response, stream: () => (chunk) => chunk };

/**
 * Leaves each choice the first of its tool calls where the client asked for one at a time (`parallel_tool_calls:
 * false`): not every provider can be told. The model sees one result and makes its next call then.
 */
export const singleToolCall = ({ parallel_tool_calls }: ChatRequest): SingleToolCall =>
  parallel_tool_calls === false ? { whole: firstOfWhole, stream: firstOfStream } : AS_THEY_ARE;

const firstOfWhole = (response: ChatResponse): ChatResponse => ({
  ...response,
  choices: response.choices.map((choice) => {
    const { tool_calls } = choice.message;
    if (tool_calls === undefined || tool_calls.length < 2) return choice;
    return { ...choice, message: { ...choice.message, tool_calls: tool_calls.slice(0, 1) } };
  }),
});

const firstOfStream = (): ((chunk: ChatChunk) => ChatChunk) => {
  /** By the index of a choice: that of its first call. */
  const first = new Map<number, number>();
  return (chunk) => ({
    ...chunk,
    choices: chunk.choices.map((choice) => {
      const { tool_calls, ...delta } = choice.delta;
      if (tool_calls === undefined || tool_calls.length === 0) return choice;
      if (!first.has(choice.index)) first.set(choice.index, tool_calls[0]!.index);
      const kept = tool_calls.filter(({ index }) => index === first.get(choice.index));
      return { ...choice, delta: kept.length === 0 ? delta : { ...delta, tool_calls: kept } };
    }),
  });
};
