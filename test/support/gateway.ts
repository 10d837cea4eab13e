import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import OpenAI from 'openai';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { createAuditTrail } from '../../src/control/audit-trail.ts';
import type { ControlDeps } from '../../src/control/deps.ts';
import { createFirstKeys, type FirstKeys } from '../../src/control/first-start.ts';
import { startSnapshotKeeper } from '../../src/control/snapshot-keeper.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import { createFileKms } from '../../src/core/secrets/file-kms.ts';
import { type BudgetCounters, createBudgetCounters } from '../../src/gateway/budgets.ts';
import type { GatewayDeps } from '../../src/gateway/deps.ts';
import { createGatewayMetrics } from '../../src/gateway/metrics.ts';
import { createRateLimiter } from '../../src/gateway/rate-limiter.ts';
import { openStore } from '../../src/journal/store.ts';
import { type JournalWriter, openWriter } from '../../src/journal/writer.ts';
import { createApp } from '../../src/main/app.ts';
import { createSubjectKms } from '../../src/main/subject-kms.ts';
import { createJournalLoader } from '../../src/pipeline/load/load-journal.ts';
import { createCaller } from '../../src/providers/caller.ts';
import type { Upstream, UpstreamLimits } from '../../src/providers/contract.ts';
import { createAdapters } from '../../src/providers/registry.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { createJournalLog } from '../../src/vault/audit/journal-leaves.ts';
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
  readonly max_calls_in_flight?: number;
  readonly journal_limit_bytes?: number;
  readonly limits?: Partial<UpstreamLimits>;
  /** How long like failures of a log-in are counted. */
  readonly audit?: { readonly window_ms: number };
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
  /** Loads the journal into the vault. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const LIMITS: UpstreamLimits = {
  headers_timeout_ms: 5_000,
  idle_timeout_ms: 5_000,
  total_timeout_ms: 20_000,
  max_reply_bytes: 1_000_000,
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
  const keeper = await startSnapshotKeeper({ sql, clock, log });
  const opened = await openWriter({
    ...{ store, clock, nextId, log },
    limit_bytes: options.journal_limit_bytes ?? 2 ** 30,
  });
  const journal = options.aroundJournal?.(opened) ?? opened;
  const caller = createCaller();
  const budgets = createBudgetCounters();
  const prometheus = new Registry();
  const rows = createRowBuilder(registry);
  const audit = createAuditTrail({ ...{ sql, clock, nextId, load, rows, log }, ...options.audit });
  const kms = createFileKms({ path: join(path, 'master-keys.json'), given_keys: [], clock });
  kms.createMasterKey();
  const subject_kms = createSubjectKms({ kms, database_url: database.url, log });
  const control: ControlDeps = {
    ...{ sql, clock, nextId, load, registry, rows, audit, subject_kms },
    witnesses: options.witnesses ?? [],
    reader: createReader(registry),
    snapshot: keeper.current,
    refreshSnapshot: keeper.refresh,
  };
  const limits = { ...LIMITS, ...options.limits };
  const upstreamAt = (base_url: string): Upstream => ({
    base_url,
    api_key: 'sk-upstream-1234567890',
    limits,
  });
  const gateway: GatewayDeps = {
    ...{ clock, nextId, log, journal, budgets, caller },
    snapshot: keeper.current,
    limiter: createRateLimiter(),
    adapters: createAdapters(clock),
    upstreams: {
      openai: upstreamAt(options.base_urls?.openai ?? `${sandbox.url}/v1`),
      anthropic: upstreamAt(options.base_urls?.anthropic ?? sandbox.url),
    },
    metrics: createGatewayMetrics(prometheus),
    body_limit_bytes: options.body_limit_bytes ?? 1_000_000,
    max_calls_in_flight: options.max_calls_in_flight ?? 1_000,
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
  const server = createServer(app.callback());
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
  return {
    ...http,
    ...{ url, keys, database, sandbox, journal, budgets, control, logged },
    openai: (apiKey = keys.api_key) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    drain: async () => void (await loader.drain()),
    close: async () => {
      await until(
        async () => /^onevault_calls_in_flight 0$/m.test((await http.get('/metrics')).text),
        'no call is under way',
      );
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await audit.login_failures.close();
      await keeper.close();
      await opened.close();
      await caller.close();
      await sandbox.close();
      await store.root.close();
      rmSync(path, { recursive: true, force: true });
      await database.drop();
      assert.deepEqual(logged, [], 'a fault of our own was logged');
    },
  };
};
