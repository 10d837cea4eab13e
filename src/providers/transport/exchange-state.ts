import type { Dispatcher } from 'undici';
import { OneVaultError } from '../../core/errors.ts';
import type { UpstreamHeaders, UpstreamLimits, UpstreamResponse } from '../contract.ts';

// Limit of unread bytes; beyond it the provider must wait, so that a slow client costs only this much memory.
const UNREAD_MAX_BYTES = 262_144;

export interface ExchangeOptions {
  readonly limits: UpstreamLimits;
  readonly signal: AbortSignal | undefined;
  /** Called once when the exchange has ended, for any reason. */
  readonly settled: () => void;
}

/**
 * State of one call to a provider. It is a class because V8 may allocate the objects of one literal in its old
 * generation (allocation-site pretenuring), where the bytes of ended calls would wait for a full collection.
 */
export class ExchangeState {
  readonly limits: UpstreamLimits;
  readonly signal: AbortSignal | undefined;
  readonly settled: () => void;
  readonly response: PromiseWithResolvers<UpstreamResponse> = Promise.withResolvers<UpstreamResponse>();
  controller: Dispatcher.DispatchController | null = null;
  headers: UpstreamHeaders = {};
  /** Received bytes that the reader has not taken. */
  chunks: Buffer[] = [];
  unread_bytes = 0;
  unread_max_bytes = UNREAD_MAX_BYTES;
  /** Limit of the bytes that may still arrive. */
  left_bytes: number;
  /** True if the body is read as a whole, so that nothing is delivered before its end. */
  is_whole = false;
  is_paused = false;
  is_ended = false;
  /** True if the reader accepts nothing more. */
  is_dropped = false;
  failure: OneVaultError | null = null;
  /** Called by new data and by the end. */
  wake: (() => void) | null = null;
  /** Total timeout of the exchange. */
  timer: NodeJS.Timeout | null = null;
  /** Limits the time in which the rest of the body is read and dropped. */
  draining: NodeJS.Timeout | null = null;
  abort: (() => void) | null = null;

  constructor({ limits, signal, settled }: ExchangeOptions) {
    this.limits = limits;
    this.signal = signal;
    this.settled = settled;
    this.left_bytes = limits.max_stream_bytes;
  }
}

/** Begins an exchange, which the total timeout and the signal end. */
export const openExchange = (options: ExchangeOptions): ExchangeState => {
  const state = new ExchangeState(options);
  const { limits, signal } = options;
  state.timer = setTimeout(() => timeOut(state), limits.total_timeout_ms);
  if (signal !== undefined) {
    state.abort = () => fail(state, new OneVaultError('client_closed_request', { cause: signal.reason }));
    signal.addEventListener('abort', state.abort);
  }
  return state;
};

/** Ends the exchange, unless it has ended. */
export const finish = (state: ExchangeState): void => {
  if (state.is_ended) return;
  state.is_ended = true;
  if (state.timer !== null) clearTimeout(state.timer);
  if (state.draining !== null) clearTimeout(state.draining);
  if (state.abort !== null) state.signal?.removeEventListener('abort', state.abort);
  state.settled();
  state.wake?.();
};

/** Fails the exchange, unless it has ended. */
export const fail = (state: ExchangeState, error: OneVaultError): void => {
  if (state.is_ended) return;
  state.failure = error;
  state.chunks = [];
  finish(state);
  state.response.reject(error);
  state.controller?.abort(error);
};

const timeOut = (state: ExchangeState): void => {
  const details = `There was no complete response within ${state.limits.total_timeout_ms} ms.`;
  fail(state, new OneVaultError('provider_timeout', { details }));
};

/** Lets the provider continue after all received data was read. More data may arrive before this returns. */
export const resume = (state: ExchangeState): void => {
  if (!state.is_paused) return;
  state.is_paused = false;
  state.controller?.resume();
};
