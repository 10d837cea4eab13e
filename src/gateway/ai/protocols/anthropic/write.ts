import type { ChatResponse, JsonObject, ToolCall } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';
import type { ChatWriter } from '../../operations/chat.ts';
import { stopReason, usageJson } from './write-fields.ts';
import { createMessageStream } from './write-stream.ts';

/** Writes responses of the pivot form as Anthropic's messages. */
export const messagesWriter: ChatWriter = {
  whole: (response) => {
    const message = messageOf(response);
    return (call) => JSON.stringify({ ...message, usage: usageJson(call.usage) });
  },
  stream: createMessageStream,
};

const messageOf = ({ id, model, choices }: ChatResponse): JsonObject => {
  const { message, finish_reason } = choices[0]!;
  const calls = message.tool_calls ?? [];
  const refusal = typeof message.refusal === 'string' ? message.refusal : '';
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [
      ...thinkingBlocks(message),
      ...[message.content ?? '', refusal].filter((text) => text !== '').map(textBlock),
      ...calls.map((call) => toolUse(call, finish_reason === 'length')),
    ],
    stop_reason: stopReason(finish_reason, calls.length > 0, refusal !== ''),
    stop_sequence: null,
    ...(refusal === '' ? {} : { stop_details: { type: 'refusal', category: null, explanation: refusal } }),
  };
};

const textBlock = (text: string): JsonObject => ({ type: 'text', text, citations: null });

/** Signed thinking blocks unchanged, else the text of unsigned reasoning. */
const thinkingBlocks = (message: JsonObject): readonly JsonObject[] => {
  const { thinking_blocks, reasoning_content } = message;
  if (Array.isArray(thinking_blocks)) return thinking_blocks.filter(isObject);
  if (typeof reasoning_content !== 'string' || reasoning_content === '') return [];
  return [{ type: 'thinking', thinking: reasoning_content, signature: '' }];
};

/**
 * @param is_cut true if the token limit cut the response: the call may have incomplete arguments, and the client must
 * repeat it
 */
const toolUse = (call: ToolCall, is_cut: boolean): JsonObject => {
  const { id, function: called } = call;
  if (typeof id !== 'string' || !isObject(called) || typeof called.name !== 'string') {
    throw malformed('a tool call has no id or no name');
  }
  return { type: 'tool_use', id, name: called.name, input: inputOf(called.arguments, is_cut) };
};

const inputOf = (text: unknown, is_cut: boolean): JsonObject => {
  if (text === '' || text === undefined || text === null) return {};
  try {
    const input: unknown = JSON.parse(String(text));
    if (isObject(input)) return input;
  } catch {
    // Handled below, like JSON that is not an object.
  }
  if (is_cut) return {};
  throw malformed('the arguments of a tool call are not the JSON text of an object');
};
