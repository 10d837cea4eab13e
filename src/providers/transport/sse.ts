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

/** State of a parser between two pieces. */
class ParserState {
  readonly event_max_bytes: number;
  /** The beginning of an incomplete line. */
  readonly held: Buffer[] = [];
  held_bytes = 0;
  /** True if the last piece ended with a carriage return that may have a line feed. */
  has_open_return = false;
  /** True if lines end with carriage returns only. */
  has_lone_returns = false;
  ended_with_return = false;
  has_begun = false;
  event = '';
  data: string | null = null;
  /** Text of the lines since the last event, from earlier pieces. */
  raw = '';
  has_fields = false;

  constructor(event_max_bytes: number) {
    this.event_max_bytes = event_max_bytes;
  }
}

/**
 * An incremental parser of server-sent events (WHATWG HTML, section 9.2.6). It returns complete events with their
 * original text, so that the texts together are the whole stream. Bytes are decoded up to the last line end of a
 * piece, which never lies within a character, so characters split across pieces stay intact. A carriage return at the
 * end of a piece waits for the next piece, because a line feed may follow, unless lines end with carriage returns only.
 * @param event_max_bytes limit of one event, in bytes of its lines
 */
export const createSseParser = (event_max_bytes: number): SseParser => {
  const state = new ParserState(event_max_bytes);
  return { push: (bytes) => push(state, bytes), end: () => end(state) };
};

const push = (state: ParserState, given: Buffer): SsePiece[] => {
  const out: SsePiece[] = [];
  if (given.length === 0) return out;
  const { held } = state;
  const bytes = withOpenReturn(state, given, out);
  const last = lastLineEnd(bytes);
  if (last === bytes.length - 1 && held.length === 0) {
    // The usual piece: complete events, nothing held.
    if (last !== -1) readLines(state, bytes, out);
  } else if (last !== -1) {
    hold(held, bytes.subarray(0, last + 1));
    readLines(state, held.length === 1 ? held[0]! : Buffer.concat(held), out);
    held.length = 0;
    state.held_bytes = 0;
  }
  if (last + 1 < bytes.length) {
    hold(held, bytes.subarray(last + 1));
    state.held_bytes += bytes.length - last - 1;
    if (state.held_bytes > state.event_max_bytes) throw tooLarge(state.event_max_bytes);
  }
  return out;
};

const end = (state: ParserState): SsePiece[] => {
  state.has_lone_returns = true;
  const is_open = state.has_open_return;
  state.has_open_return = false;
  const out = is_open ? push(state, RETURN) : [];
  if (state.held_bytes > 0 || state.raw === '') return out;
  out.push(takeEvent(state, '\n'));
  return out;
};

/** The bytes to parse now: a carriage return at the end of a piece may be half of a line end. */
const withOpenReturn = (state: ParserState, given: Buffer, out: SsePiece[]): Buffer => {
  let bytes = state.has_open_return ? Buffer.concat([RETURN, given]) : given;
  if (state.ended_with_return && bytes[0] === LINE_FEED) {
    bytes = bytes.subarray(1);
    if (state.has_fields) state.raw += '\n';
    else out.push(takeEvent(state, '\n'));
  }
  const has_return = bytes[bytes.length - 1] === CARRIAGE_RETURN;
  state.has_open_return = has_return && !state.has_lone_returns;
  state.ended_with_return = has_return && state.has_lone_returns;
  return state.has_open_return ? bytes.subarray(0, -1) : bytes;
};

/** Parses complete lines, and adds the events that they complete to `out`. */
const readLines = (state: ParserState, bytes: Buffer, out: SsePiece[]): void => {
  const text = bytes.toString('utf8');
  const has_returns = text.includes('\r');
  let block = 0;
  let from = state.has_begun || text.charCodeAt(0) !== BYTE_ORDER_MARK ? 0 : 1;
  state.has_begun = true;
  while (from < text.length) {
    const feed = text.indexOf('\n', from);
    const back = has_returns ? text.indexOf('\r', from) : -1;
    const is_feed = back === -1 || (feed !== -1 && feed < back);
    const to = is_feed ? feed : back;
    const next = is_feed || feed !== back + 1 ? to + 1 : to + 2;
    if (!is_feed && feed !== back + 1) state.has_lone_returns = true;
    if (to === from) {
      out.push(takeEvent(state, text.slice(block, next)));
      block = next;
    } else if (text.charCodeAt(from) !== COLON) {
      // Comments before an event are not part of it, because they may have been sent separately.
      if (!state.has_fields && from > block) out.push(takeEvent(state, text.slice(block, from)));
      if (!state.has_fields) block = from;
      state.has_fields = true;
      readField(state, text, from, to);
    }
    from = next;
  }
  if (block === text.length) return;
  if (state.has_fields) state.raw += text.slice(block);
  else out.push(takeEvent(state, text.slice(block)));
  if (state.raw.length > state.event_max_bytes) throw tooLarge(state.event_max_bytes);
};

const readField = (state: ParserState, text: string, from: number, to: number): void => {
  const { data } = state;
  if (text.startsWith('data:', from)) {
    const value = fieldValue(text, from + 5, to);
    state.data = data === null ? value : `${data}\n${value}`;
  } else if (text.startsWith('event:', from)) {
    state.event = fieldValue(text, from + 6, to);
  } else if (to - from === 4 && text.startsWith('data', from)) {
    state.data = data === null ? '' : `${data}\n`;
  }
};

/** Takes the event that ends with `text`, and begins the next. */
const takeEvent = (state: ParserState, text: string): SsePiece => {
  const { data, event } = state;
  const raw = state.raw + text;
  state.raw = '';
  state.event = '';
  state.data = null;
  state.has_fields = false;
  return data === null ? { data, raw } : { event, data, raw };
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
