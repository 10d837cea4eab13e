import type { ChatMessage, ContentPart, JsonObject, ToolCall } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import type { Reading } from '../../reading.ts';
import { type Part, readContent } from './read-parts.ts';
import type { Item, ResponsesRequest } from './responses-request.ts';
import { unwrapThoughts } from './thoughts.ts';

const NOT_STORED =
  'The gateway stores no items: send the item itself, as SDKs do if "store" is false ' +
  '(in the Vercel AI SDK providerOptions: { openai: { store: false } }, or its openai.chat)';

/** One turn of the model: one message in the pivot form, several items in OpenAI's. */
interface Turn {
  readonly at: string;
  readonly parts: Part[];
  readonly tool_calls: ToolCall[];
  readonly thinking_blocks: JsonObject[];
  readonly reasoning: string[];
}

/**
 * Converts instructions and input to the pivot form. Adjacent items of the model become one message, because other
 * providers require its thinking, text and calls together, directly before the tool results.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readItems = (
  { instructions, input }: Pick<ResponsesRequest, 'instructions' | 'input'>,
  reading: Reading,
): readonly ChatMessage[] => {
  const out: ChatMessage[] = [];
  let turn: Turn | null = null;

  const addMessage = (role: string, content: unknown, at: string, more: JsonObject = {}): void => {
    flush();
    const parts = readContent(content, at, reading);
    reading.addSource(
      at,
      parts.map((part) => part.at),
    );
    out.push({ role, content: contentOf(content, parts), ...more });
  };
  const flush = (): void => {
    const message = turn === null ? null : messageOf(turn);
    if (message !== null) {
      reading.addSource(
        turn!.at,
        turn!.parts.map((part) => part.at),
      );
      out.push(message);
    }
    turn = null;
  };
  const open = (at: string): Turn => {
    turn ??= { at, parts: [], tool_calls: [], thinking_blocks: [], reasoning: [] };
    return turn;
  };
  const readMessage = (item: Item, at: string): void => {
    if (item.role !== 'assistant') {
      addMessage(roleOf(item, at), item.content, `${at}.content`);
      return;
    }
    // Two messages of the model are two turns, unless there are calls between them.
    if (turn !== null && turn.parts.length > 0 && turn.tool_calls.length === 0) flush();
    open(at).parts.push(...readContent(item.content, `${at}.content`, reading));
  };
  const read = (item: Item, at: string): void => {
    switch (kindOf(item)) {
      case 'message':
        readMessage(item, at);
        break;
      case 'function_call':
        open(at).tool_calls.push(callOf(item, at, reading));
        break;
      case 'reasoning':
        addReasoning(item, at, open(at), reading);
        break;
      case 'function_call_output':
        addMessage('tool', item.output, `${at}.output`, { tool_call_id: callIdOf(item, at) });
        break;
      case 'item_reference':
        reading.addUnsupported(at, NOT_STORED, null);
        break;
      default:
        reading.addUnsupported(`${at}.type`, 'Other providers have no such items', item);
    }
  };

  if (typeof instructions === 'string' && instructions !== '') addMessage('system', instructions, 'instructions');
  if (typeof input === 'string') addMessage('user', input, 'input');
  else for (const [index, item] of (input ?? []).entries()) read(item, `input[${index}]`);
  flush();
  return out;
};

/** An item without a type is a message; without a role too, it is a reference to an item that OpenAI stores. */
const kindOf = ({ type, role }: Item): string => type ?? (role === undefined ? 'item_reference' : 'message');

const ROLES: ReadonlySet<unknown> = new Set(['user', 'system', 'developer']);

const roleOf = ({ role }: Item, at: string): string => {
  if (role === undefined || !ROLES.has(role))
    throw invalid(`${at}.role`, 'is not one of user, assistant, system and developer');
  return role;
};

const contentOf = (content: unknown, parts: readonly Part[]): string | readonly ContentPart[] =>
  typeof content === 'string' ? content : parts.map(({ part }) => part);

const messageOf = ({ parts, tool_calls, thinking_blocks, reasoning }: Turn): ChatMessage | null => {
  if (parts.length === 0 && tool_calls.length === 0) return null;
  return {
    role: 'assistant',
    content: parts.length === 0 ? null : textOrParts(parts.map(({ part }) => part)),
    ...(thinking_blocks.length === 0 ? {} : { thinking_blocks }),
    ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join('\n') }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
};

/** Writes a single text without a cache mark as a plain string, which every OpenAI-compatible server accepts. */
const textOrParts = (parts: readonly ContentPart[]): string | readonly ContentPart[] => {
  const [first, ...others] = parts;
  const is_plain = others.length === 0 && first?.type === 'text' && first.cache_control === undefined;
  return is_plain ? (first.text ?? '') : parts;
};

const callIdOf = ({ call_id }: Item, at: string): string => {
  if (typeof call_id !== 'string') throw invalid(`${at}.call_id`, 'is not a string');
  return call_id;
};

const callOf = (item: Item, at: string, reading: Reading): ToolCall => {
  const { name, namespace } = item;
  if (typeof name !== 'string') throw invalid(`${at}.name`, 'is not a string');
  if (typeof item.arguments !== 'string') throw invalid(`${at}.arguments`, 'is not a string');
  if (typeof namespace === 'string')
    reading.addUnsupported(`${at}.namespace`, 'Other providers have no namespaces of tools', namespace);
  return { id: callIdOf(item, at), type: 'function', function: { name, arguments: item.arguments } };
};

/** Nobody else can read a provider's encrypted reasoning: its summary replaces it. */
const addReasoning = (item: Item, at: string, turn: Turn, reading: Reading): void => {
  const { encrypted_content } = item;
  if (typeof encrypted_content === 'string') {
    const blocks = unwrapThoughts(encrypted_content);
    if (blocks === null) throw invalid(`${at}.encrypted_content`, 'differs from the text that the gateway sent');
    turn.thinking_blocks.push(...blocks);
  }
  const texts = [...textsOf(item.summary), ...textsOf(item.content)];
  reading.unread.push(...texts);
  turn.reasoning.push(...texts);
};

const textsOf = (parts: unknown): readonly string[] =>
  (Array.isArray(parts) ? (parts as unknown[]) : [])
    .map((part) => (isObject(part) ? part.text : undefined))
    .filter((text) => typeof text === 'string');
