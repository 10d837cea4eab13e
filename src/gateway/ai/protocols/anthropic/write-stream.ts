import type { Usage } from '../../../../pricing/usage.ts';
import type { ChatChunk, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';
import type { ChatStreamEncoder } from '../../operations/chat.ts';
import { createBlockWriter } from './write-blocks.ts';
import { frame, stopReason, usageJson } from './write-fields.ts';

/**
 * Writes a stream of the pivot form as Anthropic's events. The last event reports the prompt tokens, and also the first
 * one if the provider has reported them by then: some clients read only that one.
 */
export const createMessageStream = (): ChatStreamEncoder => {
  let has_started = false;
  let finish_reason: string | null = null;
  let refusal = '';
  const blocks = createBlockWriter();

  const start = ({ id, model }: ChatChunk, usage: Usage | null): string => {
    if (has_started) return '';
    has_started = true;
    const prompt_usage = usage === null ? null : { ...usage, completion_tokens: 0, reasoning_tokens: 0 };
    const message = {
      id,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: usageJson(prompt_usage),
    };
    return frame('message_start', { message });
  };

  const change = (delta: JsonObject): string => {
    let text = '';
    if (typeof delta.reasoning_content === 'string') text += blocks.writeThinking(delta.reasoning_content);
    for (const block of listOf(delta.thinking_blocks)) text += blocks.writeSigned(block);
    if (typeof delta.content === 'string') text += blocks.writeText(delta.content);
    if (typeof delta.refusal === 'string' && delta.refusal !== '') {
      refusal += delta.refusal;
      text += blocks.writeText(delta.refusal);
    }
    for (const call of listOf(delta.tool_calls)) text += blocks.call(call);
    return text;
  };

  return {
    chunk: (chunk, usage) => {
      const [choice] = chunk.choices;
      const text = start(chunk, usage);
      if (choice === undefined || (choice.index ?? 0) !== 0) return text;
      finish_reason = choice.finish_reason ?? finish_reason;
      return text + (isObject(choice.delta) ? change(choice.delta) : '');
    },
    last: ({ usage }) => {
      const delta = {
        stop_reason: stopReason(finish_reason, blocks.has_calls, refusal !== ''),
        stop_sequence: null,
        ...(refusal === '' ? {} : { stop_details: { type: 'refusal', category: null, explanation: refusal } }),
      };
      return blocks.close() + frame('message_delta', { delta, usage: usageJson(usage) }) + frame('message_stop', {});
    },
  };
};

const listOf = (value: unknown): readonly JsonObject[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isObject)) throw malformed('a delta holds no list of objects');
  return value;
};
