import { OneVaultError } from '../../core/errors.ts';
import type { SsePiece } from '../contract.ts';

export interface SseParser {
  /** The pieces that `bytes` completes. @throws OneVaultError provider_malformed beyond the size limit */
  push(bytes: Buffer): SsePiece[];
  /** The rest at the end of the body, with the last event even if its final blank line is missing. */
  end(): SsePiece[];
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const RETURN = Buffer.of(CARRIAGE_RETURN);
const BYTE_ORDER_MARK = 0xfeff;
const COLON = 0x3a;

/**
 * An incremental parser of server-sent events (WHATWG HTML, section 9.2.6). It returns complete events with their
 * original text, so that the texts together are the whole stream. Bytes are decoded up to the last line end of a
 * piece, which never lies within a character, so characters split across pieces stay intact. A carriage return at the
 * end of a piece waits for the next piece, because a line feed may follow, unless lines end with carriage returns only.
 * @param event_max_bytes limit of one event, in bytes of its lines
 */
export const createSseParser = (event_max_bytes: number): SseParser => {
  const held: Buffer[] = [];
  let held_bytes = 0;
  let has_open_return = false;
  let has_lone_returns = false;
  let ended_with_return = false;
  let started = false;
  let event = '';
  let data: string | null = null;
  /** Text of the lines since the last event, from earlier pieces. */
  let raw = '';
  let has_fields = false;

  const field = (text: string, from: number, to: number): void => {
    if (text.startsWith('data:', from)) {
      const value = fieldValue(text, from + 5, to);
      data = data === null ? value : `${data}\n${value}`;
    } else if (text.startsWith('event:', from)) {
      event = fieldValue(text, from + 6, to);
    } else if (to - from === 4 && text.startsWith('data', from)) {
      data = data === null ? '' : `${data}\n`;
    }
  };

  const take = (text: string): SsePiece => {
    const piece = data === null ? { data, raw: raw + text } : { event, data, raw: raw + text };
    raw = '';
    event = '';
    data = null;
    has_fields = false;
    return piece;
  };

  const lines = (bytes: Buffer, out: SsePiece[]): void => {
    const text = bytes.toString('utf8');
    const has_returns = text.includes('\r');
    let block = 0;
    let from = started || text.charCodeAt(0) !== BYTE_ORDER_MARK ? 0 : 1;
    started = true;
    while (from < text.length) {
      const feed = text.indexOf('\n', from);
      const back = has_returns ? text.indexOf('\r', from) : -1;
      const is_feed = back === -1 || (feed !== -1 && feed < back);
      const to = is_feed ? feed : back;
      const next = is_feed || feed !== back + 1 ? to + 1 : to + 2;
      if (!is_feed && feed !== back + 1) has_lone_returns = true;
      if (to === from) {
        out.push(take(text.slice(block, next)));
        block = next;
      } else if (text.charCodeAt(from) !== COLON) {
        // Comments before an event are not part of it, because they may have been sent separately.
        if (!has_fields && from > block) out.push(take(text.slice(block, from)));
        if (!has_fields) block = from;
        has_fields = true;
        field(text, from, to);
      }
      from = next;
    }
    if (block === text.length) return;
    if (has_fields) raw += text.slice(block);
    else out.push(take(text.slice(block)));
    if (raw.length > event_max_bytes) throw tooLarge(event_max_bytes);
  };

  /** The bytes to parse now: a carriage return at the end of a piece may be half of a line end. */
  const joined = (given: Buffer, out: SsePiece[]): Buffer => {
    let bytes = has_open_return ? Buffer.concat([RETURN, given]) : given;
    if (ended_with_return && bytes[0] === LINE_FEED) {
      bytes = bytes.subarray(1);
      if (has_fields) raw += '\n';
      else out.push(take('\n'));
    }
    const has_return = bytes[bytes.length - 1] === CARRIAGE_RETURN;
    has_open_return = has_return && !has_lone_returns;
    ended_with_return = has_return && has_lone_returns;
    return has_open_return ? bytes.subarray(0, -1) : bytes;
  };

  const push = (given: Buffer): SsePiece[] => {
    const out: SsePiece[] = [];
    if (given.length === 0) return out;
    const bytes = joined(given, out);
    const last = lastLineEnd(bytes);
    if (last === bytes.length - 1 && held.length === 0) {
      // The usual piece: complete events, nothing held.
      if (last !== -1) lines(bytes, out);
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
      has_lone_returns = true;
      const is_open = has_open_return;
      has_open_return = false;
      const out = is_open ? push(RETURN) : [];
      if (held_bytes > 0 || raw === '') return out;
      out.push(take('\n'));
      return out;
    },
  };
};

const lastLineEnd = (bytes: Buffer): number =>
  bytes[bytes.length - 1] === LINE_FEED
    ? bytes.length - 1
    : Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(CARRIAGE_RETURN));

// Pieces are merged like a binary counter, so that a line that arrives byte by byte needs few objects.
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
