import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { createJournalLog } from '../../src/audit/journal-leaves.ts';
import { startSnapshotKeeper } from '../../src/catalog/snapshot-keeper.ts';
import { type Clock, instantOf, systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import type { RealtimeConfig } from '../../src/gateway/ai/realtime/config.ts';
import type { GatewayDeps, KeyEndpoint } from '../../src/gateway/deps.ts';
import { type BudgetCounters, createBudgetCounters, type Spending } from '../../src/gateway/limits/budgets.ts';
import { createRateLimiter } from '../../src/gateway/limits/rate-limiter.ts';
import { createGatewayMetrics } from '../../src/gateway/metrics.ts';
import { createProviderKeys } from '../../src/gateway/routing/unsealed-keys.ts';
import { serveUpgrades, UPGRADES } from '../../src/http/upgrades.ts';
import { createJournalLoader } from '../../src/jobs/load/load-journal.ts';
import { openStore } from '../../src/journal/store.ts';
import { type JournalWriter, openWriter } from '../../src/journal/writer.ts';
import { createDataKeyStore } from '../../src/keys/data-keys.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createAuditTrail, tellRefusedKey } from '../../src/modules/audit-trail.ts';
import type { ControlDeps } from '../../src/modules/deps.ts';
import { createAdapters, createCompatibleAdapters } from '../../src/providers/adapters.ts';
import type { Upstream, UpstreamLimits } from '../../src/providers/contract.ts';
import { type AddressGuardOptions, createAddressGuard } from '../../src/providers/transport/address-guard.ts';
import { createCaller } from '../../src/providers/transport/caller.ts';
import { createTunnels } from '../../src/providers/transport/tunnel.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { createApp } from '../../src/server/app.ts';
import { createKeyCheck } from '../../src/server/check-provider-key.ts';
import { createFirstKeys, type FirstKeys } from '../../src/server/first-start.ts';
import { readSpentBefore } from '../../src/server/restore-budgets.ts';
import { createSubjectKms } from '../../src/server/subject-kms.ts';
import { createAppend } from '../../src/vault/copy.ts';
import { createLoader } from '../../src/vault/load.ts';
import { createReader } from '../../src/vault/read.ts';
import { createRowBuilder } from '../../src/vault/rows.ts';
import { testRegistry } from './calls.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createHttp, type TestHttp, until } from './http.ts';
import { temporaryPath } from './server.ts';

export interface TestGatewayOptions {
  readonly clock?: Clock;
  readonly body_limit_bytes?: number;
  readonly client_timeout_ms?: number;
  readonly max_calls_in_flight?: number;
  readonly journal_limit_bytes?: number;
  readonly realtime?: Partial<RealtimeConfig>;
  readonly limits?: Partial<UpstreamLimits>;
  /** How long like failures of a log-in are counted. */
  readonly audit?: { readonly window_ms: number };
  /** What keeps customers' own base URLs outside; nothing is allowed unless this says so. */
  readonly guard?: AddressGuardOptions;
  readonly witnesses?: ControlDeps['witnesses'];
  /** By provider: an address instead of the sandbox, as its own SDK takes it. */
  readonly base_urls?: Readonly<Record<string, string>>;
  /** Puts itself between the gateway and its journal. */
  readonly aroundJournal?: (journal: JournalWriter) => JournalWriter;
}

/** The whole product but its processes: both planes on a free port, their own database, journal and sandbox. */
export interface TestGateway extends TestHttp {
  readonly url: string;
  readonly keys: FirstKeys;
  readonly database: TestDatabase;
  readonly sandbox: Sandbox;
  readonly journal: JournalWriter;
  readonly budgets: BudgetCounters;
  readonly control: ControlDeps;
  /** Lines of level warn and above that were logged; `close` finds those that no test took. */
  readonly logged: string[];
  /** OpenAI's own SDK, without its retries. */
  openai(api_key?: string): OpenAI;
  /** What a process that started now would know of this month's spending. */
  spentBefore(): Promise<Spending[]>;
  /** Loads the journal into the vault. */
  drain(): Promise<void>;
  /** Begins to stop, as a process does that is told to. */
  stop(): void;
  close(): Promise<void>;
}

const LIMITS: UpstreamLimits = {
  headers_timeout_ms: 5_000,
  idle_timeout_ms: 5_000,
  total_timeout_ms: 20_000,
  max_reply_bytes: 1_000_000,
  max_stream_bytes: 100_000_000,
  max_event_bytes: 1_000_000,
};

const REALTIME: RealtimeConfig = {
  sessions_max: 256,
  message_max_bytes: 1_000_000,
  idle_timeout_ms: 20_000,
};

export const startTestGateway = async (options: TestGatewayOptions = {}): Promise<TestGateway> => {
  const { clock = systemClock } = options;
  const nextId = createIds(clock);
  const logged: string[] = [];
  const log: Logger = pino({ level: 'error' }, { write: (line: string) => logged.push(line) });
  const database = await createTestDatabase();
  const sandbox = await startSandbox();
  const { sql } = database;
  const path = temporaryPath();
  const store = openStore(path);
  const registry = testRegistry();
  const load = createLoader({ registry, now: clock.now });
  const opened = await openWriter({
    store,
    clock,
    nextId,
    log,
    limit_bytes: options.journal_limit_bytes ?? 2 ** 30,
  });
  const journal = options.aroundJournal?.(opened) ?? opened;
  const guard = createAddressGuard(options.guard ?? { allowed_hosts: [] });
  const caller = createCaller({ guard });
  const budgets = createBudgetCounters();
  const prometheus = new Registry();
  const rows = createRowBuilder(registry);
  const audit = createAuditTrail({ sql, clock, nextId, load, rows, log, ...options.audit });
  const kms = createFileKms({ path: join(path, 'master-keys.json'), given_keys: [], clock });
  kms.createMasterKey();
  const subject_kms = createSubjectKms({ kms, database_url: database.url, log });
  const keyring = createKeyring({
    kms,
    store: createDataKeyStore(sql, () => instantOf(clock.now())),
    clock,
    nextId,
  });
  const provider_keys = createProviderKeys({ keyring, log });
  const keeper = await startSnapshotKeeper({ sql, clock, log, changed: provider_keys.keepOnly });
  const limits = { ...LIMITS, ...options.limits };
  const adapters = { ...createAdapters(clock), ...createCompatibleAdapters(clock) };
  const addresses = new Map<string, string>([
    ...Object.entries({ openai: `${sandbox.url}/v1`, anthropic: sandbox.url, google: sandbox.url }),
    ...Object.entries(options.base_urls ?? {}),
  ]);
  const key_endpoint: KeyEndpoint = {
    limits,
    baseUrlOf: (provider) => addresses.get(provider) ?? null,
  };
  const control: ControlDeps = {
    sql,
    clock,
    nextId,
    load,
    registry,
    rows,
    audit,
    subject_kms,
    keyring,
    checkProviderKey: createKeyCheck({ snapshot: keeper.current, adapters, caller, key_endpoint, guard }),
    witnesses: options.witnesses ?? [],
    reader: createReader(registry),
    snapshot: keeper.current,
    refreshSnapshot: keeper.refresh,
  };
  const upstreamAt = (base_url: string): Upstream => ({
    base_url,
    api_key: 'sk-upstream-1234567890',
    limits,
  });
  const stopping = new AbortController();
  const gateway: GatewayDeps = {
    clock,
    nextId,
    log,
    journal,
    budgets,
    caller,
    provider_keys,
    key_endpoint,
    adapters,
    snapshot: keeper.current,
    limiter: createRateLimiter(),
    upstreams: Object.fromEntries([...addresses].map(([provider, base_url]) => [provider, upstreamAt(base_url)])),
    metrics: createGatewayMetrics(prometheus),
    body_limit_bytes: options.body_limit_bytes ?? 1_000_000,
    client_timeout_ms: options.client_timeout_ms ?? 5_000,
    max_calls_in_flight: options.max_calls_in_flight ?? 1_000,
    realtime: { ...REALTIME, ...options.realtime },
    openTunnel: createTunnels(guard),
    tellRefusedKey: tellRefusedKey(audit),
    stopping: stopping.signal,
  };
  const app = createApp({
    gateway,
    control,
    health: {
      version: '0.0.0-test',
      isReady: () => journal.isWritable(),
      dependencies: async () => ({ journal: { status: journal.isWritable() ? 'up' : 'down' } }),
    },
    registry: prometheus,
  });
  const serve = app.callback();
  const server = createServer(UPGRADES, serve);
  serveUpgrades(server, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = await createFirstKeys(control);
  const loader = createJournalLoader({
    store,
    append: createAppend(registry),
    journal_log: createJournalLog(registry),
    load,
    registry,
    clock,
    log,
    connect: () => sql,
  });
  const http = createHttp({ url, keys, sql, drain: async () => void (await loader.drain()) });
  const closeAll = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await audit.login_failures.close();
    await keeper.close();
    await opened.close();
    await caller.close();
    keyring.close();
    await sandbox.close();
    await store.root.close();
    rmSync(path, { recursive: true, force: true });
    await database.drop();
  };
  return {
    ...http,
    url,
    keys,
    database,
    sandbox,
    journal,
    budgets,
    control,
    logged,
    openai: (apiKey = keys.api_key) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    spentBefore: () => readSpentBefore(sql, store, clock),
    drain: async () => void (await loader.drain()),
    stop: () => stopping.abort(),
    close: async () => {
      stopping.abort();
      try {
        await until(
          async () => /^onevault_calls_in_flight 0$/m.test((await http.get('/metrics')).text),
          'no call is under way',
        );
      } finally {
        // What is left open would keep the run of tests from ending.
        await closeAll();
      }
      assert.deepEqual(logged, [], 'a fault of our own was logged');
    },
  };
};
