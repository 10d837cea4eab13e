import { OneVaultError } from '../core/errors.ts';
import type { SseEvent } from './contract.ts';

export interface SseParser {
  /** The events that `bytes` completes. @throws OneVaultError provider_malformed past the size limit */
  push(bytes: Buffer): SseEvent[];
  /** The event whose last line is whole but whose blank line never came, at the end of the body. */
  end(): SseEvent[];
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = 0xfeff;

// One frame of a streamed image is about 2 MiB of base64; four times that is no frame of ours.
const EVENT_MAX_BYTES = 8_388_608;

/**
 * An incremental parser of server-sent events (WHATWG HTML, section 9.2.6): bytes in, whole events out. Bytes
 * are decoded up to the last line end of a piece, which never lies within a character, so that characters split
 * across pieces stay whole.
 * @param event_max_bytes the largest event, in bytes of its lines
 */
export const createSseParser = (event_max_bytes = EVENT_MAX_BYTES): SseParser => {
  const held: Buffer[] = [];
  let held_bytes = 0;
  let after_return = false;
  let started = false;
  let event = '';
  let data: string | null = null;

  const line = (text: string, from: number, to: number, out: SseEvent[]): void => {
    if (from === to) {
      if (data !== null) out.push({ event, data });
      event = '';
      data = null;
    } else if (text.startsWith('data:', from)) {
      const value = fieldValue(text, from + 5, to);
      data = data === null ? value : `${data}\n${value}`;
      if (data.length > event_max_bytes) throw tooLarge(event_max_bytes);
    } else if (text.startsWith('event:', from)) {
      event = fieldValue(text, from + 6, to);
    } else if (to - from === 4 && text.startsWith('data', from)) {
      data = data === null ? '' : `${data}\n`;
    }
  };

  const lines = (bytes: Buffer, out: SseEvent[]): void => {
    let text = bytes.toString('utf8');
    if (!started) {
      started = true;
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) text = text.slice(1);
    }
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      line(text, from, to, out);
      from = to + 1;
    }
  };

  const push = (given: Buffer): SseEvent[] => {
    const out: SseEvent[] = [];
    if (given.length === 0) return out;
    // A line feed that follows a carriage return ended its line already.
    const bytes = after_return && given[0] === LINE_FEED ? given.subarray(1) : given;
    after_return = given[given.length - 1] === CARRIAGE_RETURN;
    const last = lastLineEnd(bytes);
    if (last === bytes.length - 1 && held.length === 0) {
      // The usual piece: whole events, nothing held.
      lines(bytes, out);
    } else if (last !== -1) {
      hold(held, bytes.subarray(0, last + 1));
      lines(held.length === 1 ? held[0]! : Buffer.concat(held), out);
      held.length = 0;
      held_bytes = 0;
    }
    if (last + 1 < bytes.length) {
      hold(held, bytes.subarray(last + 1));
      held_bytes += bytes.length - last - 1;
      if (held_bytes > event_max_bytes) throw tooLarge(event_max_bytes);
    }
    return out;
  };

  return {
    push,
    end: () => {
      const out: SseEvent[] = [];
      if (data !== null && held_bytes === 0) line('', 0, 0, out);
      return out;
    },
  };
};

const lastLineEnd = (bytes: Buffer): number =>
  bytes[bytes.length - 1] === LINE_FEED
    ? bytes.length - 1
    : Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN));

// Pieces are merged as in a binary counter, so that a line that drips in byte by byte costs no object a byte.
const hold = (held: Buffer[], piece: Buffer): void => {
  held.push(piece);
  while (held.length > 1 && held[held.length - 2]!.length <= held[held.length - 1]!.length) {
    const [before, after] = held.splice(-2);
    held.push(Buffer.concat([before!, after!]));
  }
};

const SPACE = 0x20;

const fieldValue = (text: string, from: number, to: number): string =>
  text.slice(text.charCodeAt(from) === SPACE && from < to ? from + 1 : from, to);

const tooLarge = (limit_bytes: number): OneVaultError =>
  new OneVaultError('provider_malformed', {
    details: `An event of the stream is larger than ${limit_bytes} bytes.`,
  });
