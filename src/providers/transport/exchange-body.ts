import { OneVaultError } from '../../core/errors.ts';
import type { UpstreamHeaders, UpstreamResponse } from '../contract.ts';
import { type ExchangeState, fail, resume } from './exchange-state.ts';
import { checkLength, checkStreamType } from './response-form.ts';
import { createSseParser } from './sse.ts';
import { transportError } from './transport-error.ts';

// Limit of the bytes after the last event of a stream, normally only the end of the body. A new connection costs less
// than a longer wait.
const DRAINED_MAX_BYTES = 16_384;
const DRAINED_MAX_MS = 1_000;

/** The response after its headers were read. Its body can be read once. */
export const responseOf = (state: ExchangeState, status: number, headers: UpstreamHeaders): UpstreamResponse => ({
  status,
  headers,
  text: (max_bytes = state.limits.max_response_bytes) => readWhole(state, max_bytes, decode),
  bytes: () => readWhole(state, state.limits.max_response_bytes, joined),
  each: async (take) => {
    check(state, () => checkStreamType(headers));
    return deliverAll(state, createSseParser(state.limits.max_event_bytes), take);
  },
  eachChunk: (take) => deliverAll(state, UNPARSED, take),
  drain: () => drain(state),
  discard: () => discard(state),
});

/** Checks a response that may have ended already. @throws the error of `run`, after failing the exchange */
const check = (state: ExchangeState, run: () => void): void => {
  try {
    run();
  } catch (error) {
    fail(state, transportError(error, state.limits));
    throw error;
  }
};

const readWhole = async <Whole>(
  state: ExchangeState,
  max_bytes: number,
  join: (chunks: readonly Buffer[]) => Whole,
): Promise<Whole> => {
  state.is_whole = true;
  state.unread_max_bytes = max_bytes;
  const stated_bytes = Number(state.headers['content-length'] ?? 0);
  check(state, () => checkLength(Math.max(state.unread_bytes, stated_bytes), max_bytes));
  if (state.failure !== null) throw state.failure;
  if (state.is_ended) return join(state.chunks);
  resume(state);
  return new Promise((resolve, reject) => {
    state.wake = () => (state.failure === null ? resolve(join(state.chunks)) : reject(state.failure));
  });
};

/** Splits a stream of bytes into pieces. */
interface PieceReader<Piece> {
  push(bytes: Buffer): readonly Piece[];
  end(): readonly Piece[];
}

const UNPARSED: PieceReader<Uint8Array> = { push: (bytes) => [bytes], end: () => [] };

/** Delivers pieces to `take` as they arrive, and waits while it has no room. */
const deliverAll = <Piece>(
  state: ExchangeState,
  parser: PieceReader<Piece>,
  take: (pieces: readonly Piece[]) => Promise<void> | null,
): Promise<void> => {
  const { promise, resolve: end, reject: breakOff } = Promise.withResolvers<void>();
  let is_waiting = false;
  const deliver = (pieces: readonly Piece[]): void => {
    const room = pieces.length === 0 ? null : take(pieces);
    if (room === null) return;
    is_waiting = true;
    room.then(() => {
      is_waiting = false;
      give();
    }, stop);
  };
  const give = (): void => {
    try {
      while (!is_waiting && state.chunks.length > 0) {
        const bytes = state.chunks.shift()!;
        state.unread_bytes -= bytes.length;
        deliver(parser.push(bytes));
      }
      if (state.chunks.length === 0) resume(state);
      if (!is_waiting && state.is_ended && !state.is_dropped && state.failure === null) deliver(parser.end());
    } catch (error) {
      stop(error);
    }
    if (state.is_dropped || (state.is_ended && !is_waiting)) settle();
  };
  const settle = (): void => (state.is_dropped || state.failure === null ? end() : breakOff(state.failure));
  const stop = (error: unknown): void => {
    breakOff(error);
    if (state.draining === null) discard(state);
  };
  state.wake = give;
  give();
  return promise;
};

const discard = (state: ExchangeState): void => {
  state.is_dropped = true;
  fail(state, new OneVaultError('client_closed_request'));
};

const drain = (state: ExchangeState): void => {
  state.is_dropped = true;
  state.chunks = [];
  if (state.is_ended) return;
  state.left_bytes = DRAINED_MAX_BYTES;
  state.draining = setTimeout(() => discard(state), DRAINED_MAX_MS);
  resume(state);
};

const joined = (chunks: readonly Buffer[]): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));

const decode = (chunks: readonly Buffer[]): string => joined(chunks).toString('utf8');
