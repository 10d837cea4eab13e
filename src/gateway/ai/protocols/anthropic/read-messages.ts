import type { ChatMessage, ContentPart, JsonObject, ToolCall } from '../../../../providers/chat-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { isObject } from '../../../../providers/json.ts';
import type { Reading } from '../reading.ts';
import type { AnthropicContent, Block, MessagesRequest } from './messages-request.ts';
import { type Part, readParts } from './read-parts.ts';

/**
 * Converts the system prompt and messages to the pivot form. Tool results become their own messages before the user's
 * blocks beside them, because OpenAI requires them directly after the calls.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readMessages = (
  { system, messages }: Pick<MessagesRequest, 'system' | 'messages'>,
  reading: Reading,
): readonly ChatMessage[] => {
  const out: ChatMessage[] = [];
  if (system !== undefined && system !== null && system.length > 0) {
    out.push(plain('system', system, 'system', reading));
  }
  messages.forEach(({ role, content }, index) => {
    const at = `messages[${index}].content`;
    if (role === 'user') out.push(...userMessages(content, at, reading));
    else if (role === 'assistant') out.push(assistantMessage(content, at, reading));
    else out.push(plain('system', content, at, reading));
  });
  return out;
};

const plain = (role: string, content: AnthropicContent, at: string, reading: Reading): ChatMessage => {
  const parts = typeof content === 'string' ? [] : readParts(content, at, reading);
  reading.addSource(at, pathsOf(parts));
  return { role, content: typeof content === 'string' ? content : partsOf(parts) };
};

const pathsOf = (parts: readonly Part[]): readonly string[] => parts.map(({ at }) => at);
const partsOf = (parts: readonly Part[]): readonly ContentPart[] => parts.map(({ part }) => part);

const userMessages = (content: AnthropicContent, at: string, reading: Reading): readonly ChatMessage[] => {
  if (typeof content === 'string') return [plain('user', content, at, reading)];
  const out: ChatMessage[] = [];
  const content_parts: Part[] = [];
  content.forEach((block, index) => {
    const here = `${at}[${index}]`;
    if (block.type === 'tool_result') out.push(toolMessage(block, here, reading));
    else content_parts.push(...readParts([block], here, reading, () => here));
  });
  if (content_parts.length > 0) {
    reading.addSource(at, pathsOf(content_parts));
    out.push({ role: 'user', content: partsOf(content_parts) });
  }
  return out;
};

const toolMessage = (block: Block, at: string, reading: Reading): ChatMessage => {
  const { tool_use_id, content, is_error, cache_control } = block;
  if (typeof tool_use_id !== 'string') throw invalid(`${at}.tool_use_id`, 'is not a string');
  const given = content ?? '';
  if (typeof given !== 'string' && !(Array.isArray(given) && given.every(isBlock))) {
    throw invalid(`${at}.content`, 'is neither a string nor a list of blocks');
  }
  const message = plain('tool', given, `${at}.content`, reading);
  return {
    ...message,
    tool_call_id: tool_use_id,
    ...(is_error === true ? { is_error } : {}),
    ...(isObject(cache_control) ? { cache_control } : {}),
  };
};

const isBlock = (block: unknown): block is Block =>
  isObject(block) && typeof block.type === 'string' && (block.text === undefined || typeof block.text === 'string');

const assistantMessage = (content: AnthropicContent, at: string, reading: Reading): ChatMessage => {
  if (typeof content === 'string') return plain('assistant', content, at, reading);
  const content_parts: Part[] = [];
  const tool_calls: ToolCall[] = [];
  const thinking_blocks: JsonObject[] = [];
  content.forEach((block, index) => {
    const here = `${at}[${index}]`;
    if (block.type === 'tool_use') tool_calls.push(toolCall(block, here));
    else if (block.type === 'thinking' || block.type === 'redacted_thinking') thinking_blocks.push(block);
    else content_parts.push(...readParts([block], here, reading, () => here));
  });
  reading.addSource(at, pathsOf(content_parts));
  return {
    role: 'assistant',
    content: content_parts.length === 0 ? null : textOrParts(partsOf(content_parts)),
    ...(thinking_blocks.length === 0 ? {} : { thinking_blocks }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
};

/** Writes a single text without a cache mark as a plain string, which every OpenAI-compatible server accepts. */
const textOrParts = (parts: readonly ContentPart[]): string | readonly ContentPart[] => {
  const [first, ...others] = parts;
  const is_plain = others.length === 0 && first?.type === 'text' && first.cache_control === undefined;
  return is_plain ? (first.text ?? '') : parts;
};

const toolCall = (block: Block, at: string): ToolCall => {
  const { id, name, input, cache_control } = block;
  if (typeof id !== 'string') throw invalid(`${at}.id`, 'is not a string');
  if (typeof name !== 'string') throw invalid(`${at}.name`, 'is not a string');
  return {
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input ?? {}) },
    ...(isObject(cache_control) ? { cache_control } : {}),
  };
};
