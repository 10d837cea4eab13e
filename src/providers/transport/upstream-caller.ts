import type { LookupFunction } from 'node:net';
import { Pool } from 'undici';
import { OneVaultError } from '../../core/errors.ts';
import type { Caller, Upstream, UpstreamRequest, UpstreamResponse } from '../contract.ts';
import type { AddressGuard } from './address-guard.ts';
import { createExchange } from './exchange.ts';
import { transportError } from './transport-error.ts';

export interface CallerOptions {
  /** Limit of connections to one provider. Each carries one call at a time, so this limits the concurrency. */
  readonly connections_max?: number;
  /** Limit of current and waiting calls to one provider; calls beyond it are refused instead of queued. */
  readonly calls_max?: number;
  /** Limit of providers (base URLs) with open connections. */
  readonly origins_max?: number;
  readonly connect_timeout_ms?: number;
  /** Time for which an unused connection is kept; a provider's own `keep-alive` hint takes precedence. */
  readonly keep_alive_ms?: number;
  /** Guard for addresses of customers; without it none of them is called. */
  readonly guard?: AddressGuard;
}

// Streams hold a connection for minutes: this allows 512 of them and as many short calls, well below the usual limit
// of open files.
const CONNECTIONS_MAX = 1_024;
const CALLS_MAX = 4_096;
const ORIGINS_MAX = 256;
const CONNECT_TIMEOUT_MS = 5_000;
// Less than the 5 s after which a Node server closes an idle connection, the shortest default known.
const KEEP_ALIVE_MS = 4_000;

interface Origin {
  readonly pool: Pool;
  /** Path of the base URL without a trailing slash. */
  readonly prefix: string;
  calls: number;
}

/**
 * The only way out to providers: keep-alive connections in one pool per base URL, with a limit of every wait and size.
 */
export const createCaller = (options: CallerOptions = {}): Caller => {
  const calls_max = options.calls_max ?? CALLS_MAX;
  const origins_max = options.origins_max ?? ORIGINS_MAX;
  const origins = new Map<string, Origin>();
  let closed = false;

  const originOf = ({ base_url, is_guarded = false }: Upstream): Origin => {
    // Guarded and other connections are never shared, whatever their address is.
    const name = is_guarded ? `guarded ${base_url}` : base_url;
    const known = origins.get(name);
    if (known !== undefined) return known;
    if (is_guarded) guardOf(options).checkUrl(base_url);
    if (origins.size >= origins_max) dropIdle(origins);
    const url = new URL(base_url);
    const origin: Origin = {
      pool: openPool(url.origin, options, is_guarded ? guardOf(options).lookupFor(base_url) : null),
      prefix: url.pathname.replace(/\/+$/, ''),
      calls: 0,
    };
    origins.set(name, origin);
    return origin;
  };

  const call = (
    upstream: Upstream,
    request: UpstreamRequest,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<UpstreamResponse> => {
    if (closed) return Promise.reject(new OneVaultError('not_ready'));
    let origin: Origin;
    try {
      origin = originOf(upstream);
    } catch (error) {
      return Promise.reject(asUnreachable(error));
    }
    if (origin.calls >= calls_max) return Promise.reject(new OneVaultError('overloaded', { retry_after_s: 1 }));
    origin.calls += 1;
    const settled = (): void => {
      origin.calls -= 1;
    };
    const { limits } = upstream;
    const { handler, response, fail } = createExchange({ limits, signal, settled });
    if (signal?.aborted === true) return response;
    try {
      origin.pool.dispatch(
        {
          method: request.method ?? 'POST',
          path: origin.prefix + request.path,
          headers: { ...request.headers, 'accept-encoding': 'identity', 'user-agent': 'onevault-gateway' },
          body: request.method === 'GET' ? null : request.body,
          headersTimeout: limits.headers_timeout_ms,
          bodyTimeout: limits.idle_timeout_ms,
        },
        handler,
      );
    } catch (error) {
      fail(transportError(error, limits));
    }
    return response;
  };

  return {
    call,
    close: async () => {
      closed = true;
      await Promise.all([...origins.values()].map(({ pool }) => pool.destroy()));
      origins.clear();
    },
  };
};

const guardOf = ({ guard }: CallerOptions): AddressGuard => {
  if (guard === undefined) throw new Error('a guarded address needs a guard: pass options.guard');
  return guard;
};

/** A fault that the check of an address found may also occur later: an allowed host may be removed from the list. */
export const asUnreachable = (error: unknown): unknown =>
  error instanceof OneVaultError && error.details !== null
    ? new OneVaultError('provider_unreachable', { param: 'base_url', details: error.details, cause: error })
    : error;

const openPool = (origin: string, options: CallerOptions, lookup: LookupFunction | null): Pool =>
  new Pool(origin, {
    connections: options.connections_max ?? CONNECTIONS_MAX,
    pipelining: 1,
    allowH2: false,
    connectTimeout: options.connect_timeout_ms ?? CONNECT_TIMEOUT_MS,
    ...(lookup === null ? {} : { connect: { lookup, timeout: options.connect_timeout_ms ?? CONNECT_TIMEOUT_MS } }),
    keepAliveTimeout: options.keep_alive_ms ?? KEEP_ALIVE_MS,
  });

/** Closes the provider that was opened first and has no current call, if there is one. */
const dropIdle = (origins: Map<string, Origin>): void => {
  for (const [base_url, { pool, calls }] of origins) {
    if (calls > 0) continue;
    origins.delete(base_url);
    // Nothing runs on it, so closing cannot fail a call.
    pool.destroy().catch(() => {});
    return;
  }
};
