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

class WriterState {
  index = -1;
  open: { readonly key: Key; arguments: string } | null = null;
  /** Waiting blocks in their order. There are some only while a call with incomplete arguments is open. */
  waiting: Block[] = [];
  waiting_chars = 0;
  /** Arguments that were parsed and found incomplete. */
  partial = '';
  parsed_chars = 0;
  readonly called = new Set<number>();
}

/**
 * Writes one block after the other, as Anthropic does: a new block closes the last one. Other providers may interleave
 * several tool calls: then the first is written at once, and the others wait until its arguments are complete.
 */
export const createBlockWriter = (): BlockWriter => {
  const state = new WriterState();
  return {
    writeThinking: (thinking) =>
      thinking === '' ? '' : put(state, 'thinking', EMPTY_THINKING, [{ type: 'thinking_delta', thinking }]),
    writeSigned: (block) => writeSigned(state, block),
    writeText: (text) => (text === '' ? '' : put(state, 'text', EMPTY_TEXT, [{ type: 'text_delta', text }])),
    call: (delta) => writeCall(state, delta),
    close: () => {
      const text = state.waiting.reduce((before, block) => before + begin(state, block), '');
      state.waiting = [];
      return text + closeOpen(state);
    },
    get has_calls() {
      return state.called.size > 0;
    },
  };
};

const writeSigned = (state: WriterState, block: JsonObject): string => {
  const { type, thinking, signature } = block;
  if (type !== 'thinking') return put(state, 'whole', block, []) + seal(state);
  const is_begun = (state.waiting.at(-1) ?? state.open)?.key === 'thinking';
  const deltas = [{ type: 'signature_delta', signature }];
  const whole = is_begun ? deltas : [{ type: 'thinking_delta', thinking }, ...deltas];
  return put(state, 'thinking', EMPTY_THINKING, whole) + seal(state);
};

const writeCall = (state: WriterState, given: JsonObject): string => {
  const { called, open, waiting } = state;
  const number = typeof given.index === 'number' ? given.index : called.size;
  const partial_json = isObject(given.function) ? given.function.arguments : undefined;
  const has_more = typeof partial_json === 'string' && partial_json !== '';
  const deltas = has_more ? [{ type: 'input_json_delta', partial_json }] : [];
  if (!called.has(number)) {
    const head = headOf(given);
    called.add(number);
    return put(state, number, head, deltas);
  }
  const is_closed = open?.key !== number && !waiting.some(({ key }) => key === number);
  if (is_closed && has_more && partial_json.trim() !== '')
    throw malformed('pieces of a tool call came after its arguments were complete');
  return is_closed ? '' : put(state, number, {}, deltas);
};

/** Writes a block or a piece of one, or lets it wait for the open call. */
const put = (state: WriterState, key: Key, head: JsonObject, deltas: readonly JsonObject[]): string => {
  if (state.open?.key === key && (state.waiting.length === 0 || typeof key === 'number')) {
    return writeDeltas(state, deltas) + beginWaiting(state);
  }
  if (isWhole(state)) return begin(state, { key, head, deltas: [...deltas] });
  wait(state, key, head, deltas);
  return '';
};

const begin = (state: WriterState, { key, head, deltas }: Block): string => {
  const closed = closeOpen(state);
  state.open = { key, arguments: '' };
  state.index += 1;
  const start = frame('content_block_start', { index: state.index, content_block: head });
  return closed + start + writeDeltas(state, deltas);
};

const writeDeltas = (state: WriterState, deltas: readonly JsonObject[]): string => {
  let text = '';
  for (const delta of deltas) {
    if (typeof delta.partial_json === 'string' && state.open !== null) state.open.arguments += delta.partial_json;
    text += frame('content_block_delta', { index: state.index, delta });
  }
  return text;
};

const closeOpen = (state: WriterState): string => {
  if (state.open === null) return '';
  state.open = null;
  return frame('content_block_stop', { index: state.index });
};

/** True if the open block is complete, so that another may begin. */
const isWhole = (state: WriterState): boolean => {
  const { open } = state;
  if (open === null || typeof open.key !== 'number') return true;
  if (open.arguments === state.partial || !open.arguments.trimEnd().endsWith('}')) return false;
  state.parsed_chars += open.arguments.length;
  if (state.parsed_chars > PARSED_MAX_CHARS) throw malformed('tool calls are interleaved without end');
  if (isObjectText(open.arguments)) return true;
  state.partial = open.arguments;
  return false;
};

const beginWaiting = (state: WriterState): string => {
  let text = '';
  while (state.waiting.length > 0 && isWhole(state)) text += begin(state, state.waiting.shift()!);
  return text;
};

const wait = (state: WriterState, key: Key, head: JsonObject, deltas: readonly JsonObject[]): void => {
  const { waiting } = state;
  state.waiting_chars += JSON.stringify(deltas).length;
  if (state.waiting_chars > WAITING_MAX_CHARS) throw malformed('tool calls are interleaved without end');
  const last = waiting.at(-1);
  const begun = typeof key === 'number' ? waiting.find((block) => block.key === key) : last?.key === key ? last : null;
  if (begun) begun.deltas.push(...deltas);
  else waiting.push({ key, head, deltas: [...deltas] });
};

/** Marks the last block as complete. */
const seal = (state: WriterState): string => {
  const last = state.waiting.at(-1);
  if (last === undefined) return closeOpen(state);
  last.key = 'whole';
  return '';
};

const EMPTY_TEXT = { type: 'text', text: '', citations: null } as const;
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
