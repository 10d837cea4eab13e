import type { ChatChunk, ChatRequest, ChatResponse } from '../../../providers/chat-form.ts';

/** Limits responses of the pivot form to the tool calls that the client allows. */
export interface SingleToolCall {
  whole(response: ChatResponse): ChatResponse;
  /** Creates the filter of one stream. It takes the chunks in order. */
  stream(): (chunk: ChatChunk) => ChatChunk;
}

const UNCHANGED: SingleToolCall = { whole: (response) => response, stream: () => (chunk) => chunk };

/**
 * Keeps only the first tool call of each choice if the client allows one at a time (`parallel_tool_calls: false`), for
 * providers without such a setting. The model sees one result and then makes its next call.
 */
export const singleToolCall = ({ parallel_tool_calls }: ChatRequest): SingleToolCall =>
  parallel_tool_calls === false ? { whole: firstOfWhole, stream: firstOfStream } : UNCHANGED;

const firstOfWhole = (response: ChatResponse): ChatResponse => ({
  ...response,
  choices: response.choices.map((choice) => {
    const { tool_calls } = choice.message;
    if (tool_calls === undefined || tool_calls.length < 2) return choice;
    return { ...choice, message: { ...choice.message, tool_calls: tool_calls.slice(0, 1) } };
  }),
});

const firstOfStream = (): ((chunk: ChatChunk) => ChatChunk) => {
  /** By index of a choice: the index of its first call. */
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
