import type Koa from 'koa';
import type { Registry as MetricsRegistry } from 'prom-client';
import { createJournalLog } from '../audit/journal-leaves.ts';
import type { VerifierKey } from '../audit/note.ts';
import type { RecordEvent } from '../audit/record-event.ts';
import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import { startSnapshotWatcher } from '../catalog/snapshot-watcher.ts';
import type { Clock } from '../core/clock.ts';
import { within } from '../core/deadline.ts';
import type { Log } from '../core/log.ts';
import type { GatewayDeps, KeyEndpoint } from '../gateway/deps.ts';
import { createIdempotencyKeys } from '../gateway/idempotency/idempotency-keys.ts';
import { createReplayStore } from '../gateway/idempotency/replay-store.ts';
import { createLargeBodies } from '../gateway/large-bodies/large-bodies.ts';
import { createBudgetCounters } from '../gateway/limits/budgets.ts';
import { createRateLimiter } from '../gateway/limits/rate-limiter.ts';
import { createGatewayMetrics } from '../gateway/metrics.ts';
import { createProviderKeys } from '../gateway/routing/unsealed-keys.ts';
import type { Dependency, HealthDeps } from '../http/health.ts';
import { createJournalLoader, type JournalLoader, type JournalLoaderDeps } from '../jobs/load/load-journal.ts';
import { countEntries } from '../journal/reader.ts';
import type { JournalStore } from '../journal/store.ts';
import { type JournalWriter, openWriter } from '../journal/writer.ts';
import { createInstallationSecret, type InstallationSecret } from '../keys/installation-secret.ts';
import type { ControlDeps } from '../modules/deps.ts';
import type { Sql } from '../postgres/connect.ts';
import { createAdapters, createCompatibleAdapters } from '../providers/adapters.ts';
import type { Upstream } from '../providers/contract.ts';
import {
  type AddressGuard,
  type AddressGuardOptions,
  createAddressGuard,
} from '../providers/transport/address-guard.ts';
import { createCaller } from '../providers/transport/upstream-caller.ts';
import { createWebSockets } from '../providers/transport/web-sockets.ts';
import {
  type AuditTrail,
  countRefusedKey,
  createAuditTrail,
  recordRefusedKey,
} from '../resources/access/audit-trail.ts';
import { createAppend } from '../vault/copy.ts';
import { createLoader } from '../vault/load.ts';
import type { Registry } from '../vault/registry.ts';
import { createApp } from './app.ts';
import { createKeyCheck } from './check-provider-key.ts';
import type { Config } from './config.ts';
import { jobDependency } from './job-status.ts';
import type { OpenKeys } from './open-keyring.ts';
import { createSubjectKms } from './open-subject-kms.ts';
import { readSpentBefore } from './restore-budgets.ts';
import { restoreIdempotencyKeys } from './restore-idempotency-keys.ts';
import { registerRuleMetrics, ruleDependency } from './rule-status.ts';
import { createVaultAccess } from './vault-access.ts';

/** The limits of both planes. */
export type Limits = Pick<
  Config,
  | 'journal_limit_bytes'
  | 'body_limit_bytes'
  | 'replay_limit_bytes'
  | 'refused_keys_per_minute'
  | 'client_timeout_ms'
  | 'max_calls_in_flight'
  | 'realtime'
>;

/** Addresses of the providers. */
export interface Endpoints {
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly key_endpoint: KeyEndpoint;
}

/** The parts of both planes. The caller owns `sql` and `store`, and closes them last. */
export interface CompositionInput {
  readonly clock: Clock;
  readonly log: Log;
  readonly sql: Sql;
  /** For operations that need their own connections: the renewal of master keys. */
  readonly database_url: string;
  readonly registry: Registry;
  readonly store: JournalStore;
  readonly metrics: MetricsRegistry;
  readonly limits: Limits;
  /** Keeps customers' base URLs out of the operator's network. */
  readonly guard: AddressGuardOptions;
  readonly witnesses: readonly VerifierKey[];
  readonly version: string;
  /** @param record writes audit events of key uses */
  readonly openKeys: (record: RecordEvent) => Promise<OpenKeys>;
  readonly chooseEndpoints: (snapshot: CurrentSnapshot, guard: AddressGuard) => Endpoints;
  /** By default the journal's own writer. */
  readonly openJournal?: typeof openWriter | undefined;
  /** Time in which equal log-in failures are counted into one event; default a minute. */
  readonly login_failure_window_ms?: number | undefined;
}

/** Both planes of one process. */
export interface Composition {
  readonly app: Koa;
  readonly gateway: GatewayDeps;
  readonly control: ControlDeps;
  /** Ends readiness and long sessions; calls continue. */
  beginStop(): void;
  /** Closes the resources of `compose` after the last call. */
  close(): Promise<void>;
}

/**
 * Wires the data plane and the control plane.
 * @throws the error of opening the journal, the keys or the first snapshot, after it closes what is open
 */
export const compose = async (input: CompositionInput): Promise<Composition> => {
  const { clock, log, sql, store, limits } = input;
  const vault = createVaultAccess(input);
  const { nextId } = vault;
  await using opened = new AsyncDisposableStack();
  const budgets = createBudgetCounters();
  budgets.restore(await readSpentBefore(sql, store, clock));
  const idempotency_keys = createIdempotencyKeys();
  await restoreIdempotencyKeys(idempotency_keys, { sql, store, clock });
  const replays = createReplayStore(limits.replay_limit_bytes, clock);
  opened.defer(() => replays.close());
  const openJournal = input.openJournal ?? openWriter;
  const journal = await openJournal({ store, clock, nextId, log, limit_bytes: limits.journal_limit_bytes });
  opened.defer(() => journal.close());
  const large_bodies = createLargeBodies();
  opened.defer(() => large_bodies.close());
  const guard = createAddressGuard(input.guard);
  const caller = createCaller({ guard });
  opened.defer(() => caller.close());
  const audit = createAuditTrail({ ...vault, log, window_ms: input.login_failure_window_ms });
  opened.defer(() => audit.login_failures.close());
  const keys = await input.openKeys(audit.record);
  opened.defer(() => keys.close());
  const idempotency_secret = await openIdempotencySecret(input, keys);
  opened.defer(() => idempotency_secret.close());
  const provider_keys = createProviderKeys({ keyring: keys.keyring, log });
  opened.defer(() => provider_keys.close());
  const watcher = await startSnapshotWatcher({
    sql,
    clock,
    registry: input.registry,
    log,
    changed: provider_keys.keepOnly,
  });
  opened.defer(() => watcher.close());
  const snapshot = watcher.current;
  registerRuleMetrics(input.metrics, snapshot);
  const adapters = { ...createAdapters(clock), ...createCompatibleAdapters(clock) };
  const endpoints = input.chooseEndpoints(snapshot, guard);
  const { key_endpoint } = endpoints;
  const stopping = new AbortController();
  const gateway: GatewayDeps = {
    clock,
    nextId,
    log,
    snapshot,
    journal,
    budgets,
    limiter: createRateLimiter(),
    idempotency_keys,
    replays,
    replay_limit_bytes: limits.replay_limit_bytes,
    idempotency_secret,
    caller,
    adapters,
    provider_keys,
    upstreams: endpoints.upstreams,
    key_endpoint,
    metrics: createGatewayMetrics(input.metrics),
    body_limit_bytes: limits.body_limit_bytes,
    large_bodies,
    client_timeout_ms: limits.client_timeout_ms,
    max_calls_in_flight: limits.max_calls_in_flight,
    realtime: limits.realtime,
    openWebSocket: createWebSockets(guard),
    ...refusedKeys(audit, limits),
    stopping: stopping.signal,
  };
  const control: ControlDeps = {
    ...vault,
    audit,
    snapshot,
    refreshSnapshot: watcher.refresh,
    keyring: keys.keyring,
    subject_kms: createSubjectKms({ kms: keys.kms, database_url: input.database_url, log }),
    checkProviderKey: createKeyCheck({ snapshot, adapters, caller, key_endpoint, guard }),
    witnesses: input.witnesses,
  };
  const health = createHealth(input, journal, snapshot, stopping.signal);
  const app = createApp({ gateway, control, health, metrics: input.metrics });
  const closing = opened.move();
  return { app, gateway, control, beginStop: () => stopping.abort(), close: () => closing.disposeAsync() };
};

const refusedKeys = (audit: AuditTrail, { refused_keys_per_minute }: Limits) => ({
  recordRefusedKey: recordRefusedKey(audit),
  countRefusedKey: countRefusedKey(audit),
  refused_keys: createRateLimiter(),
  refused_keys_per_minute,
});

/** The secret is taken into memory now, if it exists, so that calls with keys need no database. */
const openIdempotencySecret = async (
  { sql, clock, log }: CompositionInput,
  { keyring }: OpenKeys,
): Promise<InstallationSecret> => {
  const secret = createInstallationSecret({ sql, keyring, clock }, 'idempotency');
  try {
    await secret.warm();
  } catch (err) {
    log.warn(
      { err },
      'the secret of idempotency keys cannot be opened: calls with such a key are refused until it can',
    );
  }
  return secret;
};

const createHealth = (
  { sql, store, version }: CompositionInput,
  journal: JournalWriter,
  snapshot: CurrentSnapshot,
  stopping: AbortSignal,
): HealthDeps => ({
  version,
  isReady: () => !stopping.aborted && journal.isWritable(),
  dependencies: async () => ({
    database: await probeDatabase(sql),
    journal: { status: journal.isWritable() ? 'up' : 'down', detail: `${countEntries(store)} records wait` },
    routing_rules: ruleDependency(snapshot),
    jobs: await jobDependency(sql),
  }),
});

// Load balancers and operators wait a few seconds for a page of health.
const PROBE_TIMEOUT_MS = 2_000;

const probeDatabase = async (sql: Sql): Promise<Dependency> => {
  try {
    await within(PROBE_TIMEOUT_MS, sql`select 1`);
    return { status: 'up' };
  } catch {
    return { status: 'down', detail: 'calls are served and recorded; they reach the vault when it is back' };
  }
};

type LoaderInput = Omit<JournalLoaderDeps, 'load' | 'append' | 'journal_log'>;

/** The loader from the journal into the vault; `connect` opens the connections that its `close` ends. */
export const composeLoader = (input: LoaderInput): JournalLoader =>
  createJournalLoader({
    ...input,
    load: createLoader({ registry: input.registry, now: input.clock.now }),
    append: createAppend(input.registry),
    journal_log: createJournalLog(input.registry),
  });
