import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import type { Clock } from '../core/clock.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { InstallationSecret } from '../keys/installation-secret.ts';
import type { Caller, ProviderAdapter, Upstream, UpstreamLimits } from '../providers/contract.ts';
import type { OpenWebSocket } from '../providers/transport/web-sockets.ts';
import type { RealtimeConfig } from './ai/realtime/config.ts';
import type { IdempotencyKeys } from './idempotency/idempotency-keys.ts';
import type { ReplayStore } from './idempotency/replay-store.ts';
import type { LargeBodies } from './large-bodies/large-bodies.ts';
import type { BudgetCounters } from './limits/budgets.ts';
import type { RateLimiter } from './limits/rate-limiter.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ProviderKeys } from './routing/unsealed-keys.ts';

/** Dependencies of the data plane. */
export interface GatewayDeps {
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly log: Log;
  readonly snapshot: CurrentSnapshot;
  readonly journal: JournalWriter;
  readonly budgets: BudgetCounters;
  readonly limiter: RateLimiter;
  readonly idempotency_keys: IdempotencyKeys;
  /** Responses to repeat. */
  readonly replays: ReplayStore;
  /** Limit of the bytes of one response to repeat. */
  readonly replay_limit_bytes: number;
  /** Hashes idempotency keys. */
  readonly idempotency_secret: InstallationSecret;
  readonly caller: Caller;
  /** By protocol, or by provider if the provider has a compatibility profile. */
  readonly adapters: Readonly<Record<string, ProviderAdapter>>;
  /** By provider name. */
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly provider_keys: ProviderKeys;
  /** Limits and base URLs of calls with customers' own provider keys. A key may have its own base URL. */
  readonly key_endpoint: KeyEndpoint;
  readonly metrics: GatewayMetrics;
  readonly body_limit_bytes: number;
  readonly large_bodies: LargeBodies;
  /** Longest time in which a client may read nothing of its stream. */
  readonly client_timeout_ms: number;
  readonly max_calls_in_flight: number;
  readonly realtime: RealtimeConfig;
  readonly openWebSocket: OpenWebSocket;
  /**
   * Writes a refused key to the audit log, for requests that write no call record.
   * @throws OneVaultError audit_unavailable
   */
  readonly recordRefusedKey: (refused: RefusedKey) => Promise<void>;
  /** Counts a refused key of a call. @returns true for the first of its kind within a minute, which is recorded */
  readonly countRefusedKey: (refused: RefusedKey) => boolean;
  /** Requests without a valid key, by address. */
  readonly refused_keys: RateLimiter;
  readonly refused_keys_per_minute: number;
  /** Aborted when the process stops: it ends sessions, which otherwise last up to an hour. */
  readonly stopping: AbortSignal;
}

/** A request that was refused because of its API key. */
export interface RefusedKey {
  readonly error: OneVaultError;
  /** Null if the key is unknown. */
  readonly api_key: string | null;
  readonly customer: string | null;
  /** Method and path, for example `GET /v1/models`. */
  readonly endpoint: string;
  readonly request_id: string;
  readonly request_ip: string | null;
  readonly user_agent: string | null;
}

export interface KeyEndpoint {
  readonly limits: UpstreamLimits;
  /** Null if each account of the provider has its own base URL, or the provider is unknown. */
  baseUrlOf(provider: string): string | null;
}
