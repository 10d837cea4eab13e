import type { Clock } from '../../core/clock.ts';
import type { ChatResponse, FinishReason, JsonObject, ToolCall } from '../chat-form.ts';
import type { ReadResponse } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { usageOf } from './usage.ts';

/**
 * A message of Anthropic in the pivot form. `reasoning_content` holds the thinking as text, `thinking_blocks` holds it
 * unchanged, so that a client may send it back in the next call.
 * @throws OneVaultError provider_malformed
 */
export const chatResponse = (text: string, clock: Clock): ReadResponse<ChatResponse> => {
  const json = parseResponse(text);
  const { id, model, content, usage: given } = json;
  if (typeof id !== 'string') throw malformed('id is not a text');
  if (typeof model !== 'string') throw malformed('model is not a text');
  if (!Array.isArray(content)) throw malformed('content is not a list');
  const usage = isObject(given) ? usageOf(given) : null;
  const message = { ...messageOf(content), ...refusalOf(json) };
  const body: ChatResponse = {
    id,
    object: 'chat.completion',
    created: Math.floor(clock.now() / 1_000),
    model,
    choices: [{ index: 0, message, finish_reason: finishReason(json.stop_reason), logprobs: null }],
  };
  return { result: body, usage };
};

const messageOf = (content: readonly unknown[]): ChatResponse['choices'][number]['message'] => {
  const texts: string[] = [];
  const thinking: JsonObject[] = [];
  const tool_calls: ToolCall[] = [];
  for (const block of content) {
    if (!isObject(block)) throw malformed('a block of content is not an object');
    // Unknown types are ignored, as Anthropic's versioning policy requires of clients.
    if (block.type === 'text') texts.push(textIn(block, 'text'));
    else if (block.type === 'tool_use') tool_calls.push(toolCall(block));
    else if (block.type === 'thinking' || block.type === 'redacted_thinking') thinking.push(block);
  }
  const reasoning = thinking.map((block) => (block.type === 'thinking' ? textIn(block, 'thinking') : '')).join('');
  return {
    role: 'assistant',
    content: texts.length === 0 ? null : texts.join(''),
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(thinking.length === 0 ? {} : { thinking_blocks: thinking }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
};

/** The text at `field` of a block. @throws OneVaultError provider_malformed if it is not a text */
export const textIn = (block: JsonObject, field: string): string => {
  const value = block[field];
  if (typeof value !== 'string') throw malformed(`${field} of a block is not a text`);
  return value;
};

const toolCall = (block: JsonObject): ToolCall => {
  if (!isObject(block.input)) throw malformed('input of a tool call is not an object');
  return {
    id: textIn(block, 'id'),
    type: 'function',
    function: { name: textIn(block, 'name'), arguments: JSON.stringify(block.input) },
  };
};

/** Anthropic's explanation of a refusal, in the pivot form's field. */
const refusalOf = (json: JsonObject): JsonObject => {
  const details = json.stop_details;
  const explanation = isObject(details) ? details.explanation : undefined;
  return json.stop_reason === 'refusal' && typeof explanation === 'string' ? { refusal: explanation } : {};
};

/** The reason why the model stopped, in the pivot form. An unknown reason counts as an ordinary stop. */
export const finishReason = (stop_reason: unknown): FinishReason => {
  switch (stop_reason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool_calls';
    case 'refusal':
      return 'content_filter';
    default:
      return 'stop';
  }
};
