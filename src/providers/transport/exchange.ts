import type { Dispatcher } from 'undici';
import type { OneVaultError } from '../../core/errors.ts';
import type { UpstreamHeaders, UpstreamResponse } from '../contract.ts';
import { malformed } from '../json.ts';
import { responseOf } from './exchange-body.ts';
import { type ExchangeOptions, type ExchangeState, fail, finish, openExchange } from './exchange-state.ts';
import { isCompressed, tooLarge } from './response-form.ts';
import { transportError } from './transport-error.ts';

export interface Exchange {
  readonly handler: Dispatcher.DispatchHandler;
  /** The response, once its headers were read. */
  readonly response: Promise<UpstreamResponse>;
  /** Fails the exchange with `error`, unless it has ended. */
  fail(error: OneVaultError): void;
}

/**
 * One call to a provider: converts undici's events to a response. `undici.request` would need a Readable, an
 * AsyncResource and a callback for each call.
 */
export const createExchange = (options: ExchangeOptions): Exchange => {
  const state = openExchange(options);
  if (options.signal?.aborted === true) state.abort?.();
  return {
    handler: {
      onRequestStart: (controller) => {
        state.controller = controller;
        if (state.failure !== null) controller.abort(state.failure);
      },
      onResponseStart: (_controller, status, headers) => {
        if (status >= 200) takeHead(state, status, headers as UpstreamHeaders);
      },
      onResponseData: (controller, chunk) => takeChunk(state, controller, chunk),
      onResponseEnd: () => finish(state),
      onResponseError: (_controller, error) => fail(state, transportError(error, options.limits)),
    },
    response: state.response.promise,
    fail: (error) => fail(state, error),
  };
};

const takeHead = (state: ExchangeState, status: number, headers: UpstreamHeaders): void => {
  state.headers = headers;
  if (status < 300 && isCompressed(headers)) {
    fail(state, malformed('the body is compressed, although the request refused compression'));
    return;
  }
  state.response.resolve(responseOf(state, status, headers));
};

const takeChunk = (state: ExchangeState, controller: Dispatcher.DispatchController, chunk: Buffer): void => {
  if (state.is_ended) return;
  if (!state.is_whole) state.left_bytes -= chunk.length;
  if (state.left_bytes < 0) {
    fail(state, tooLarge('stream', state.limits.max_stream_bytes));
    return;
  }
  if (state.draining !== null) return;
  state.chunks.push(chunk);
  state.unread_bytes += chunk.length;
  if (state.unread_bytes > state.unread_max_bytes) {
    if (state.is_whole) {
      fail(state, tooLarge('response', state.unread_max_bytes));
      return;
    }
    state.is_paused = true;
    controller.pause();
  }
  if (!state.is_whole) state.wake?.();
};
