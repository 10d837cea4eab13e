import type { CurrentSnapshot } from '../control/snapshot.ts';
import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { JournalWriter } from '../journal/writer.ts';
import type { Caller, ProviderAdapter, Upstream } from '../providers/contract.ts';
import type { BudgetCounters } from './budgets.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { RateLimiter } from './rate-limiter.ts';

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
  readonly adapters: Readonly<Record<string, ProviderAdapter>>;
  /** By provider: where it is reached. */
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly metrics: GatewayMetrics;
  readonly body_limit_bytes: number;
  readonly max_calls_in_flight: number;
}
