import type { Dispatcher } from 'undici';
import { OneVaultError } from '../../core/errors.ts';
import type { TakeBytes, TakePieces, UpstreamHeaders, UpstreamLimits, UpstreamResponse } from '../contract.ts';
import { malformed } from '../json.ts';
import { checkLength, checkStreamType, isCompressed, tooLarge } from './response-form.ts';
import { createSseParser } from './sse.ts';
import { transportError } from './transport-error.ts';

// Limit of unread bytes; beyond it the provider must wait, so that a slow client costs only this much memory.
const UNREAD_MAX_BYTES = 262_144;
// Limit of the bytes after the last event of a stream, normally only the end of the body. A new connection costs less
// than a longer wait.
const DRAINED_MAX_BYTES = 16_384;
const DRAINED_MAX_MS = 1_000;

export interface Exchange {
  readonly handler: Dispatcher.DispatchHandler;
  /** The response, once its headers were read. */
  readonly response: Promise<UpstreamResponse>;
  /** Fails the exchange with `error`, unless it has ended. */
  fail(error: OneVaultError): void;
}

interface ExchangeOptions {
  readonly limits: UpstreamLimits;
  readonly signal: AbortSignal | undefined;
  /** Called once when the exchange has ended, for any reason. */
  readonly settled: () => void;
}

/**
 * One call to a provider: converts undici's events to a response. `undici.request` would need a Readable, an
 * AsyncResource and a callback for each call.
 */
export const createExchange = ({ limits, signal, settled }: ExchangeOptions): Exchange => {
  const { promise: response, resolve, reject } = Promise.withResolvers<UpstreamResponse>();
  let controller: Dispatcher.DispatchController | null = null;
  let chunks: Buffer[] = [];
  let headers: UpstreamHeaders = {};
  let unread_bytes = 0;
  let unread_max_bytes = UNREAD_MAX_BYTES;
  let left_bytes = limits.max_stream_bytes;
  let whole = false;
  let draining: NodeJS.Timeout | null = null;
  let paused = false;
  let ended = false;
  let is_dropped = false;
  let failure: OneVaultError | null = null;
  let wake: (() => void) | null = null;

  const finish = (): void => {
    if (ended) return;
    ended = true;
    clearTimeout(total);
    if (draining !== null) clearTimeout(draining);
    signal?.removeEventListener('abort', abort);
    settled();
    wake?.();
  };

  const fail = (error: OneVaultError): void => {
    if (ended) return;
    failure = error;
    chunks = [];
    finish();
    reject(error);
    controller?.abort(error);
  };

  const abort = (): void => fail(new OneVaultError('client_closed_request', { cause: signal?.reason }));
  const total = setTimeout(
    () => fail(timeout(`no whole reply within ${limits.total_timeout_ms} ms`)),
    limits.total_timeout_ms,
  );
  signal?.addEventListener('abort', abort);

  /** Lets the provider continue after all received data was read. More data may arrive before this returns. */
  const resume = (): void => {
    if (!paused) return;
    paused = false;
    controller?.resume();
  };

  /** Checks a response that may have ended already. @throws the error of `run`, after failing the exchange */
  const check = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      fail(transportError(error, limits));
      throw error;
    }
  };

  const readWhole = async <Whole>(max_bytes: number, join: (chunks: readonly Buffer[]) => Whole): Promise<Whole> => {
    whole = true;
    unread_max_bytes = max_bytes;
    check(() => checkLength(Math.max(unread_bytes, Number(headers['content-length'] ?? 0)), max_bytes));
    if (failure !== null) throw failure;
    if (ended) return join(chunks);
    resume();
    return new Promise((resolved, rejected) => {
      wake = () => (failure === null ? resolved(join(chunks)) : rejected(failure));
    });
  };

  const text = (max_bytes = limits.max_response_bytes): Promise<string> => readWhole(max_bytes, decode);

  const bytes = (): Promise<Uint8Array> => readWhole(limits.max_response_bytes, joined);

  const each = async (take: TakePieces): Promise<void> => {
    check(() => checkStreamType(headers));
    return deliverAll(createSseParser(limits.max_event_bytes), take);
  };

  const eachChunk = (take: TakeBytes): Promise<void> => deliverAll(UNPARSED, take);

  const deliverAll = <Piece>(
    parser: PieceReader<Piece>,
    take: (pieces: readonly Piece[]) => Promise<void> | null,
  ): Promise<void> => {
    const { promise, resolve: end, reject: breakOff } = Promise.withResolvers<void>();
    let is_waiting = false;
    const pass = (pieces: readonly Piece[]): void => {
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
        while (!is_waiting && chunks.length > 0) {
          const bytes = chunks.shift()!;
          unread_bytes -= bytes.length;
          pass(parser.push(bytes));
        }
        if (chunks.length === 0) resume();
        if (!is_waiting && ended && !is_dropped && failure === null) pass(parser.end());
      } catch (error) {
        stop(error);
      }
      if (is_dropped || (ended && !is_waiting)) settle();
    };
    const settle = (): void => (is_dropped || failure === null ? end() : breakOff(failure));
    const stop = (error: unknown): void => {
      breakOff(error);
      if (draining === null) discard();
    };
    wake = give;
    give();
    return promise;
  };

  const discard = (): void => {
    is_dropped = true;
    fail(new OneVaultError('client_closed_request'));
  };

  const drain = (): void => {
    is_dropped = true;
    chunks = [];
    if (ended) return;
    left_bytes = DRAINED_MAX_BYTES;
    draining = setTimeout(discard, DRAINED_MAX_MS);
    resume();
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (given) => {
      controller = given;
      if (failure !== null) given.abort(failure);
    },
    onResponseStart: (_controller, status, given) => {
      if (status < 200) return;
      headers = given as UpstreamHeaders;
      if (status < 300 && isCompressed(headers)) {
        fail(malformed('the body is compressed, although the request refused compression'));
        return;
      }
      resolve({ status, headers, text, bytes, each, eachChunk, drain, discard });
    },
    onResponseData: (given, chunk) => {
      if (ended) return;
      if (!whole) left_bytes -= chunk.length;
      if (left_bytes < 0) {
        fail(tooLarge('stream', limits.max_stream_bytes));
        return;
      }
      if (draining !== null) return;
      chunks.push(chunk);
      unread_bytes += chunk.length;
      if (unread_bytes > unread_max_bytes) {
        if (whole) {
          fail(tooLarge('reply', unread_max_bytes));
          return;
        }
        paused = true;
        given.pause();
      }
      if (!whole) wake?.();
    },
    onResponseEnd: finish,
    onResponseError: (_controller, error) => fail(transportError(error, limits)),
  };

  if (signal?.aborted === true) abort();
  return { handler, response, fail };
};

/** Splits a stream of bytes into pieces. */
interface PieceReader<Piece> {
  push(bytes: Buffer): readonly Piece[];
  end(): readonly Piece[];
}

const UNPARSED: PieceReader<Uint8Array> = { push: (bytes) => [bytes], end: () => [] };

const joined = (chunks: readonly Buffer[]): Buffer => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));

const decode = (chunks: readonly Buffer[]): string => joined(chunks).toString('utf8');

const timeout = (why: string): OneVaultError => new OneVaultError('provider_timeout', { details: `There was ${why}.` });
