import type { ChatChunk, JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject } from '../../../../../providers/json.ts';
import type { ChatStreamEncoder } from '../../../operations/chat.ts';
import type { ResponsesRequest } from './responses-request.ts';
import { createItemWriter } from './write-item-stream.ts';
import { annotationsOf, baseOf, listOf, logprobsOf } from './write-items.ts';
import { endOf, type Head, responseJson } from './write-response.ts';

/** Writes a stream of the pivot form as events of OpenAI's responses, numbered from 0. */
export const createResponseStream = (request: ResponsesRequest): ChatStreamEncoder => {
  let head: Head | null = null;
  let number = 0;
  let finish_reason: string | null = null;
  let has_refusal = false;

  const frame = (type: string, fields: JsonObject): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...fields })}\n\n`;
  const items = createItemWriter(frame);

  const start = ({ id, created, model }: ChatChunk): string => {
    if (head !== null) return '';
    head = { base: baseOf(id), created, model };
    items.name(head.base);
    const response = responseJson(request, head, { end: null, output: [], usage: null });
    return frame('response.created', { response }) + frame('response.in_progress', { response });
  };

  const change = (delta: JsonObject, choice: JsonObject): string => {
    let text = '';
    if (typeof delta.reasoning_content === 'string') text += items.writeThinking(delta.reasoning_content);
    for (const block of listOf(delta.thinking_blocks)) text += items.writeSigned(block);
    if (typeof delta.content === 'string') text += items.writeText(delta.content, logprobsOf(choice));
    text += items.annotate(annotationsOf(delta.annotations));
    if (typeof delta.refusal === 'string') {
      has_refusal ||= delta.refusal !== '';
      text += items.refuse(delta.refusal);
    }
    for (const call of listOf(delta.tool_calls)) text += items.call(call);
    return text;
  };

  return {
    get next_number() {
      return number;
    },
    chunk: (chunk) => {
      const text = start(chunk);
      const [choice] = chunk.choices;
      if (choice === undefined || (choice.index ?? 0) !== 0) return text;
      finish_reason = choice.finish_reason ?? finish_reason;
      return text + (isObject(choice.delta) ? change(choice.delta, choice) : '');
    },
    last: ({ usage, received_ms }) => {
      const created = Math.floor(received_ms / 1_000);
      const begun = head === null ? start({ created, model: request.model } as ChatChunk) : '';
      const end = endOf(finish_reason, has_refusal);
      const closed = items.close(end.status);
      const response = responseJson(request, head!, { end, output: items.output, usage });
      return begun + closed + frame(`response.${end.status}`, { response });
    },
  };
};
