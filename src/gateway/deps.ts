import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import type { Clock } from '../core/clock.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { Caller, ProviderAdapter, Upstream, UpstreamLimits } from '../providers/contract.ts';
import type { OpenTunnel } from '../providers/transport/tunnel.ts';
import type { RealtimeConfig } from './ai/realtime/config.ts';
import type { BudgetCounters } from './limits/budgets.ts';
import type { RateLimiter } from './limits/rate-limiter.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ProviderKeys } from './routing/unsealed-keys.ts';

/** All that the data plane works with. */
export interface GatewayDeps {
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly log: Log;
  readonly snapshot: CurrentSnapshot;
  readonly journal: JournalWriter;
  readonly budgets: BudgetCounters;
  readonly limiter: RateLimiter;
  readonly caller: Caller;
  /** By protocol, and by provider where one has a dialect of its own. */
  readonly adapters: Readonly<Record<string, ProviderAdapter>>;
  /** By provider: where it is reached. */
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly provider_keys: ProviderKeys;
  /** Where calls with customers' own keys go, unless these have a base URL of their own. */
  readonly key_endpoint: KeyEndpoint;
  readonly metrics: GatewayMetrics;
  readonly body_limit_bytes: number;
  /** How long a client may take nothing of its stream. */
  readonly client_timeout_ms: number;
  readonly max_calls_in_flight: number;
  readonly realtime: RealtimeConfig;
  readonly openTunnel: OpenTunnel;
  /** Tells the audit log of a key that was refused where no call is recorded. @throws OneVaultError audit_unavailable */
  readonly tellRefusedKey: (refused: RefusedKey) => Promise<void>;
  /** Aborted when the process stops: sessions end then, which else would last for an hour. */
  readonly stopping: AbortSignal;
}

/** Who asked for what with which key, and why the key was refused. */
export interface RefusedKey {
  readonly error: OneVaultError;
  /** Null where the key is none of ours. */
  readonly api_key: string | null;
  readonly customer: string | null;
  /** As `GET /v1/models`. */
  readonly endpoint: string;
  readonly request_id: string;
  readonly request_ip: string | null;
  readonly user_agent: string | null;
}

export interface KeyEndpoint {
  readonly limits: UpstreamLimits;
  /** Null where the provider is reached at addresses of each account's own, or is not known. */
  baseUrlOf(provider: string): string | null;
}
