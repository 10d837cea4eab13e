import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../../providers/json.ts';
import { frame } from './write-fields.ts';

/** Writes the content of a streamed message. Each method returns the events to send, possibly ''. */
interface BlockWriter {
  writeThinking(text: string): string;
  /** Writes a signed thinking block unchanged: only its signature if its text was sent before, else all of it. */
  writeSigned(block: JsonObject): string;
  writeText(text: string): string;
  /**
   * Writes a piece of a tool call.
   * @throws OneVaultError provider_malformed
   */
  call(delta: JsonObject): string;
  close(): string;
  readonly has_calls: boolean;
}

/** Kind of a block that is written in pieces, number of a tool call, or `whole` for a finished block. */
type Key = 'thinking' | 'text' | 'whole' | number;

interface Block {
  key: Key;
  readonly head: JsonObject;
  readonly deltas: JsonObject[];
}

// More than the arguments of all calls of any response. Beyond it, the provider interleaves calls without end.
const WAITING_MAX_CHARS = 8_388_608;
// Total of repeated parsing of arguments that may be complete: a tenth of a second.
const PARSED_MAX_CHARS = 67_108_864;

/**
 * Writes one block after the other, as Anthropic does: a new block closes the last one. Other providers may interleave
 * several tool calls: then the first is written at once, and the others wait until its arguments are complete.
 */
export const createBlockWriter = (): BlockWriter => {
  let index = -1;
  let open: { readonly key: Key; arguments: string } | null = null;
  /** Waiting blocks in their order. There are some only while a call with incomplete arguments is open. */
  let waiting: Block[] = [];
  let waiting_chars = 0;
  /** Arguments that were parsed and found incomplete. */
  let partial = '';
  let parsed_chars = 0;
  const called = new Set<number>();

  const write = (delta: JsonObject): string => {
    if (typeof delta.partial_json === 'string' && open !== null) open.arguments += delta.partial_json;
    return frame('content_block_delta', { index, delta });
  };

  const closeOpen = (): string => {
    if (open === null) return '';
    open = null;
    return frame('content_block_stop', { index });
  };

  const begin = ({ key, head, deltas }: Block): string => {
    const closed = closeOpen();
    open = { key, arguments: '' };
    index += 1;
    return closed + frame('content_block_start', { index, content_block: head }) + deltas.map(write).join('');
  };

  const isWhole = (): boolean => {
    if (open === null || typeof open.key !== 'number') return true;
    if (open.arguments === partial || !open.arguments.trimEnd().endsWith('}')) return false;
    parsed_chars += open.arguments.length;
    if (parsed_chars > PARSED_MAX_CHARS) throw malformed('tool calls are interleaved without end');
    if (isObjectText(open.arguments)) return true;
    partial = open.arguments;
    return false;
  };

  const beginWaiting = (): string => {
    let text = '';
    while (waiting.length > 0 && isWhole()) text += begin(waiting.shift()!);
    return text;
  };

  const wait = (key: Key, head: JsonObject, deltas: readonly JsonObject[]): void => {
    waiting_chars += JSON.stringify(deltas).length;
    if (waiting_chars > WAITING_MAX_CHARS) throw malformed('tool calls are interleaved without end');
    const last = waiting.at(-1);
    const begun =
      typeof key === 'number' ? waiting.find((block) => block.key === key) : last?.key === key ? last : null;
    if (begun) begun.deltas.push(...deltas);
    else waiting.push({ key, head, deltas: [...deltas] });
  };

  const put = (key: Key, head: JsonObject, deltas: readonly JsonObject[]): string => {
    if (open?.key === key && (waiting.length === 0 || typeof key === 'number')) {
      return deltas.map(write).join('') + beginWaiting();
    }
    if (isWhole()) return begin({ key, head, deltas: [...deltas] });
    wait(key, head, deltas);
    return '';
  };

  /** Marks the last block as complete. */
  const seal = (): string => {
    const last = waiting.at(-1);
    if (last === undefined) return closeOpen();
    last.key = 'whole';
    return '';
  };

  return {
    writeThinking: (thinking) =>
      thinking === '' ? '' : put('thinking', EMPTY_THINKING, [{ type: 'thinking_delta', thinking }]),
    writeSigned: (block) => {
      const { type, thinking, signature } = block;
      if (type !== 'thinking') return put('whole', block, []) + seal();
      const is_begun = (waiting.at(-1) ?? open)?.key === 'thinking';
      const deltas = [{ type: 'signature_delta', signature }];
      const whole = is_begun ? deltas : [{ type: 'thinking_delta', thinking }, ...deltas];
      return put('thinking', EMPTY_THINKING, whole) + seal();
    },
    writeText: (text) =>
      text === '' ? '' : put('text', { type: 'text', text: '', citations: null }, [{ type: 'text_delta', text }]),
    call: (given) => {
      const number = typeof given.index === 'number' ? given.index : called.size;
      const partial_json = isObject(given.function) ? given.function.arguments : undefined;
      const has_more = typeof partial_json === 'string' && partial_json !== '';
      const deltas = has_more ? [{ type: 'input_json_delta', partial_json }] : [];
      if (!called.has(number)) {
        const head = headOf(given);
        called.add(number);
        return put(number, head, deltas);
      }
      const is_closed = open?.key !== number && !waiting.some(({ key }) => key === number);
      if (is_closed && has_more && partial_json.trim() !== '')
        throw malformed('pieces of a tool call came after its arguments were complete');
      return is_closed ? '' : put(number, {}, deltas);
    },
    close: () => {
      const text = waiting.reduce((before, block) => before + begin(block), '');
      waiting = [];
      return text + closeOpen();
    },
    get has_calls() {
      return called.size > 0;
    },
  };
};

const EMPTY_THINKING = { type: 'thinking', thinking: '', signature: '' } as const;

const headOf = ({ id, function: named }: JsonObject): JsonObject => {
  if (typeof id !== 'string' || !isObject(named) || typeof named.name !== 'string') {
    throw malformed('a tool call has no id or no name');
  }
  return { type: 'tool_use', id, name: named.name, input: {} };
};

/** True if the text is the complete JSON text of an object. */
const isObjectText = (text: string): boolean => {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
};
