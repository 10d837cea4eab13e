import type { JsonObject } from '../../../providers/chat-form.ts';
import { isObject, malformed } from '../../../providers/json.ts';
import { frame } from './write-words.ts';

/** Writes the content of a streamed message: each method gives the events to send, '' where there are none. */
interface BlockWriter {
  think(text: string): string;
  /** A block of thinking as who signed it wrote it: its signature, or all of it where nothing of it was sent. */
  sign(block: JsonObject): string;
  say(text: string): string;
  /** A piece of a tool call. @throws OneVaultError provider_malformed */
  call(delta: JsonObject): string;
  close(): string;
  readonly has_calls: boolean;
}

/** One block after the other, as Anthropic's own streams are: a block is closed when another begins. */
export const createBlockWriter = (): BlockWriter => {
  let index = -1;
  /** What is open: a kind of block, or the number of a tool call. */
  let open: 'thinking' | 'text' | number | null = null;
  const called = new Set<number>();

  const close = (): string => {
    if (open === null) return '';
    open = null;
    return frame('content_block_stop', { index });
  };

  const start = (kind: NonNullable<typeof open>, content_block: JsonObject): string => {
    if (open === kind) return '';
    const closed = close();
    open = kind;
    index += 1;
    return closed + frame('content_block_start', { index, content_block });
  };

  const delta = (type: string, fields: JsonObject): string =>
    frame('content_block_delta', { index, delta: { type, ...fields } });

  const startCall = (number: number, given: JsonObject): string => {
    const { id, function: named } = given;
    if (open === number) return '';
    if (called.has(number)) throw malformed('pieces of a tool call came after another had begun');
    if (typeof id !== 'string' || !isObject(named) || typeof named.name !== 'string') {
      throw malformed('a tool call has no id or no name');
    }
    called.add(number);
    return start(number, { type: 'tool_use', id, name: named.name, input: {} });
  };

  return {
    think: (thinking) =>
      thinking === ''
        ? ''
        : start('thinking', { type: 'thinking', thinking: '', signature: '' }) +
          delta('thinking_delta', { thinking }),
    sign: (block) => {
      const { type, thinking, signature } = block;
      if (type !== 'thinking') return close() + startWhole(block);
      const head =
        open === 'thinking'
          ? ''
          : start('thinking', { type, thinking: '', signature: '' }) + delta('thinking_delta', { thinking });
      return head + delta('signature_delta', { signature }) + close();
    },
    say: (text) =>
      text === ''
        ? ''
        : start('text', { type: 'text', text: '', citations: null }) + delta('text_delta', { text }),
    call: (given) => {
      const number = typeof given.index === 'number' ? given.index : called.size;
      const partial_json = isObject(given.function) ? given.function.arguments : undefined;
      const begun = startCall(number, given);
      if (typeof partial_json !== 'string' || partial_json === '') return begun;
      return begun + delta('input_json_delta', { partial_json });
    },
    close,
    get has_calls() {
      return called.size > 0;
    },
  };

  /** A block that comes in one piece. */
  function startWhole(content_block: JsonObject): string {
    index += 1;
    return frame('content_block_start', { index, content_block }) + frame('content_block_stop', { index });
  }
};
