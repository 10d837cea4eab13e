import type { ChatMessage, JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import { markOf } from '../thinking-mark.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { cacheMark, contentBlocks, textBlocks } from './content.ts';

interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: JsonObject[];
}

/**
 * Messages in Anthropic's form. System and developer messages are separate, because the API has one field for them.
 * Adjacent messages of one role form one turn, because the results of parallel tool calls must be together.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const messagesOf = (
  messages: readonly ChatMessage[],
  unsupported: UnsupportedFields,
): { readonly system: readonly JsonObject[]; readonly messages: readonly Turn[] } => {
  if (!Array.isArray(messages)) throw invalid('messages', 'must be a list');
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  const add = (role: Turn['role'], content: readonly JsonObject[]): void => {
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  };
  (messages as readonly ChatMessage[]).forEach((message, index) => {
    const param = `messages[${index}]`;
    if (!isObject(message)) throw invalid(param, 'must be an object');
    switch (message.role) {
      case 'system':
      case 'developer':
        system.push(...textBlocks(message.content, `${param}.content`, unsupported));
        break;
      case 'user':
        add('user', contentBlocks(message.content, `${param}.content`, unsupported));
        break;
      case 'assistant':
        add('assistant', assistantBlocks(message, param, unsupported));
        break;
      case 'tool':
        add('user', [toolResult(message, param, unsupported)]);
        break;
      default:
        unsupported.add(
          `${param}.role`,
          "Anthropic's models know the roles system, developer, user, assistant and tool",
        );
    }
  });
  return { system, messages: turns };
};

/** Thinking first and unchanged, as Anthropic requires where tools are used; then text, then tool calls. */
const assistantBlocks = (
  message: ChatMessage,
  param: string,
  unsupported: UnsupportedFields,
): readonly JsonObject[] => {
  if (isObject(message.audio)) unsupported.add(`${param}.audio`, "Anthropic's models take no audio");
  if (isObject(message.function_call)) {
    unsupported.add(`${param}.function_call`, "Anthropic's models take tool_calls instead");
  }
  const thinking = Array.isArray(message.thinking_blocks) ? message.thinking_blocks.filter(isSigned) : [];
  const text = textBlocks(message.content, `${param}.content`, unsupported);
  const refusal =
    typeof message.refusal === 'string' ? textBlocks(message.refusal, `${param}.refusal`, unsupported) : [];
  const calls: unknown = message.tool_calls ?? [];
  if (!Array.isArray(calls)) throw invalid(`${param}.tool_calls`, 'must be a list');
  return [
    ...thinking,
    ...text,
    ...refusal,
    ...calls.flatMap((call: unknown, index) => toolUse(call, `${param}.tool_calls[${index}]`, unsupported)),
  ];
};

/** True if a thinking block has Anthropic's own signature; Anthropic refuses all others. */
const isSigned = (block: unknown): boolean =>
  isObject(block) && markOf(block) === null && (block.type !== 'thinking' || (block.signature ?? '') !== '');

const toolUse = (call: unknown, param: string, unsupported: UnsupportedFields): readonly JsonObject[] => {
  const called = isObject(call) && call.type === 'function' ? call.function : undefined;
  if (!isObject(call) || !isObject(called)) {
    unsupported.add(`${param}.type`, 'Anthropic\'s models call tools of the type "function" only');
    return [];
  }
  if (typeof call.id !== 'string') throw invalid(`${param}.id`, 'must be a text');
  if (typeof called.name !== 'string') throw invalid(`${param}.function.name`, 'must be a text');
  const input = inputOf(called.arguments, `${param}.function.arguments`);
  return [{ type: 'tool_use', id: call.id, name: called.name, input, ...cacheMark(call) }];
};

const inputOf = (text: unknown, param: string): JsonObject => {
  if (text === '') return {};
  try {
    const input: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    if (isObject(input)) return input;
  } catch {
    // Handled below like JSON that is not an object.
  }
  throw invalid(param, 'must be the JSON text of an object');
};

const toolResult = (message: ChatMessage, param: string, unsupported: UnsupportedFields): JsonObject => {
  if (typeof message.tool_call_id !== 'string') throw invalid(`${param}.tool_call_id`, 'must be a text');
  return {
    type: 'tool_result',
    tool_use_id: message.tool_call_id,
    content: contentBlocks(message.content, `${param}.content`, unsupported),
    ...(message.is_error === true ? { is_error: true } : {}),
    ...cacheMark(message),
  };
};
