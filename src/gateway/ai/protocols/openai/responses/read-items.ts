import type { ChatMessage, ContentPart, JsonObject, ToolCall } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import type { Reading } from '../../reading.ts';
import { type Part, readContent } from './read-parts.ts';
import type { Item, ResponsesRequest } from './responses-request.ts';
import { unwrapThoughts } from './thoughts.ts';

const NOT_KEPT =
  'What was said is not kept here: send the item itself, as SDKs do where "store" is false ' +
  '(in the Vercel AI SDK providerOptions: { openai: { store: false } }, or its openai.chat)';

/** What the model said in one turn, which the pivot form holds in one message and OpenAI's in several items. */
interface Turn {
  readonly at: string;
  readonly said: Part[];
  readonly tool_calls: ToolCall[];
  readonly thinking_blocks: JsonObject[];
  readonly reasoning: string[];
}

/**
 * Instructions and input in the pivot form. Neighbouring items of the model become one message, as other providers
 * want its thinking, its words and its calls together, right before the results of the tools.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readItems = (
  { instructions, input }: Pick<ResponsesRequest, 'instructions' | 'input'>,
  reading: Reading,
): readonly ChatMessage[] => {
  const out: ChatMessage[] = [];
  let turn: Turn | null = null;

  const say = (role: string, content: unknown, at: string, more: JsonObject = {}): void => {
    flush();
    const parts = readContent(content, at, reading);
    reading.place(
      at,
      parts.map((part) => part.at),
    );
    out.push({ role, content: contentOf(content, parts), ...more });
  };
  const flush = (): void => {
    const message = turn === null ? null : messageOf(turn);
    if (message !== null) {
      reading.place(
        turn!.at,
        turn!.said.map((part) => part.at),
      );
      out.push(message);
    }
    turn = null;
  };
  const open = (at: string): Turn => {
    turn ??= { at, said: [], tool_calls: [], thinking_blocks: [], reasoning: [] };
    return turn;
  };
  const readMessage = (item: Item, at: string): void => {
    if (item.role !== 'assistant') {
      say(roleOf(item, at), item.content, `${at}.content`);
      return;
    }
    // Two messages of the model are two turns, unless one of them came after its calls.
    if (turn !== null && turn.said.length > 0 && turn.tool_calls.length === 0) flush();
    open(at).said.push(...readContent(item.content, `${at}.content`, reading));
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
        think(item, at, open(at), reading);
        break;
      case 'function_call_output':
        say('tool', item.output, `${at}.output`, { tool_call_id: callIdOf(item, at) });
        break;
      case 'item_reference':
        reading.lose(at, NOT_KEPT, null);
        break;
      default:
        reading.lose(`${at}.type`, 'There are no such items elsewhere', item);
    }
  };

  if (typeof instructions === 'string' && instructions !== '') say('system', instructions, 'instructions');
  if (typeof input === 'string') say('user', input, 'input');
  else for (const [index, item] of (input ?? []).entries()) read(item, `input[${index}]`);
  flush();
  return out;
};

/** An item without a type is a message, or, without a role, a reference to one that OpenAI keeps. */
const kindOf = ({ type, role }: Item): string => type ?? (role === undefined ? 'item_reference' : 'message');

const ROLES: ReadonlySet<unknown> = new Set(['user', 'system', 'developer']);

const roleOf = ({ role }: Item, at: string): string => {
  if (role === undefined || !ROLES.has(role))
    throw invalid(`${at}.role`, 'is none of user, assistant, system and developer');
  return role;
};

const contentOf = (content: unknown, parts: readonly Part[]): string | readonly ContentPart[] =>
  typeof content === 'string' ? content : parts.map(({ part }) => part);

const messageOf = ({ said, tool_calls, thinking_blocks, reasoning }: Turn): ChatMessage | null => {
  if (said.length === 0 && tool_calls.length === 0) return null;
  return {
    role: 'assistant',
    content: said.length === 0 ? null : textOrParts(said.map(({ part }) => part)),
    ...(thinking_blocks.length === 0 ? {} : { thinking_blocks }),
    ...(reasoning.length === 0 ? {} : { reasoning_content: reasoning.join('\n') }),
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
  };
};

/** One text without a mark as a plain text, which every server made like OpenAI's takes. */
const textOrParts = (parts: readonly ContentPart[]): string | readonly ContentPart[] => {
  const [first, ...others] = parts;
  const is_plain = others.length === 0 && first?.type === 'text' && first.cache_control === undefined;
  return is_plain ? (first.text ?? '') : parts;
};

const callIdOf = ({ call_id }: Item, at: string): string => {
  if (typeof call_id !== 'string') throw invalid(`${at}.call_id`, 'is not a text');
  return call_id;
};

const callOf = (item: Item, at: string, reading: Reading): ToolCall => {
  const { name, namespace } = item;
  if (typeof name !== 'string') throw invalid(`${at}.name`, 'is not a text');
  if (typeof item.arguments !== 'string') throw invalid(`${at}.arguments`, 'is not a text');
  if (typeof namespace === 'string') reading.lose(`${at}.namespace`, 'Tools have no namespaces elsewhere', namespace);
  return { id: callIdOf(item, at), type: 'function', function: { name, arguments: item.arguments } };
};

/** What another provider encrypted nobody can read: its summary goes in the place of it. */
const think = (item: Item, at: string, turn: Turn, reading: Reading): void => {
  const { encrypted_content } = item;
  if (typeof encrypted_content === 'string') {
    const blocks = unwrapThoughts(encrypted_content);
    if (blocks === null) throw invalid(`${at}.encrypted_content`, 'is not as it was given');
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
