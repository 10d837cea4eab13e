import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { pino } from 'pino';
import { Registry as MetricsRegistry } from 'prom-client';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createIds } from '../../src/core/ids.ts';
import type { RealtimeConfig } from '../../src/gateway/ai/realtime/config.ts';
import type { BudgetCounters, Spending } from '../../src/gateway/limits/budgets.ts';
import { openStore } from '../../src/journal/store.ts';
import { type JournalWriter, openWriter } from '../../src/journal/writer.ts';
import { createFileKms } from '../../src/keys/file-kms.ts';
import type { ControlDeps } from '../../src/modules/deps.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import type { UpstreamLimits } from '../../src/providers/contract.ts';
import type { AddressGuardOptions } from '../../src/providers/transport/address-guard.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import {
  type Composition,
  type CompositionInput,
  compose,
  composeLoader,
  type Endpoints,
  type Limits,
} from '../../src/server/compose.ts';
import { createFirstKeys, type FirstKeys } from '../../src/server/first-start.ts';
import { startHttpServer } from '../../src/server/http-server.ts';
import type { OpenKeys } from '../../src/server/open-keyring.ts';
import { readSpentBefore } from '../../src/server/restore-budgets.ts';
import { testRegistry } from './calls.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createHttp, type TestHttp, until } from './http.ts';
import { keyringOf } from './keyring.ts';
import { temporaryPath } from './server.ts';

export interface TestGatewayOptions {
  readonly clock?: Clock;
  readonly body_limit_bytes?: number;
  readonly replay_limit_bytes?: number;
  readonly client_timeout_ms?: number;
  readonly max_calls_in_flight?: number;
  readonly refused_keys_per_minute?: number;
  readonly journal_limit_bytes?: number;
  readonly realtime?: Partial<RealtimeConfig>;
  readonly limits?: Partial<UpstreamLimits>;
  /** Window in which similar failures of log-ins are counted. */
  readonly audit?: { readonly window_ms: number };
  /** Guard of customers' own base URLs; by default it allows no host. */
  readonly guard?: AddressGuardOptions;
  readonly witnesses?: ControlDeps['witnesses'];
  /** Base URLs by provider, instead of the sandbox's. */
  readonly base_urls?: Readonly<Record<string, string>>;
  /** Connects the gateway to its database. */
  readonly connect?: (url: string) => Promise<Sql>;
  /** Wraps the journal of the gateway. */
  readonly aroundJournal?: (journal: JournalWriter) => JournalWriter;
}

/** The whole product in this process: both planes on a free port, with their own database, journal and sandbox. */
export interface TestGateway extends TestHttp {
  readonly url: string;
  readonly keys: FirstKeys;
  readonly database: TestDatabase;
  readonly sandbox: Sandbox;
  readonly journal: JournalWriter;
  readonly budgets: BudgetCounters;
  readonly control: ControlDeps;
  /** Logged lines of level warn and above; `close` fails if a test left any. */
  readonly logged: string[];
  /** OpenAI's own SDK, without its retries. */
  openai(api_key?: string): OpenAI;
  /** This month's spending as a process that starts now would read it. */
  spentBefore(): Promise<Spending[]>;
  /** Loads the journal into the vault. */
  drain(): Promise<void>;
  /** Starts to stop the gateway, as a process does on a signal. */
  stop(): void;
  /** Ends both planes and starts them again, on the same port, database and journal. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const UPSTREAM_LIMITS: UpstreamLimits = {
  headers_timeout_ms: 15_000,
  idle_timeout_ms: 15_000,
  total_timeout_ms: 20_000,
  max_response_bytes: 1_000_000,
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
  const logged: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => logged.push(line) });
  const database = await createTestDatabase();
  const sandbox = await startSandbox();
  const sql = (await options.connect?.(database.url)) ?? database.sql;
  const path = temporaryPath();
  const store = openStore(path);
  const registry = testRegistry();
  const start = (): Promise<Composition> =>
    compose({
      clock,
      log,
      sql,
      database_url: database.url,
      registry,
      store,
      metrics: new MetricsRegistry(),
      limits: limitsOf(options),
      guard: options.guard ?? { allowed_hosts: [] },
      witnesses: options.witnesses ?? [],
      version: '0.0.0-test',
      openKeys: async () => openTestKeys(sql, clock, path),
      chooseEndpoints: () => endpointsOf(sandbox, options),
      openJournal: journalOf(options),
      login_failure_window_ms: options.audit?.window_ms,
    });
  let planes = await start();
  const listen = (port: number) =>
    startHttpServer(planes.app.callback(), {
      host: '127.0.0.1',
      port,
      shutdown_timeout_ms: 0,
      log,
      clock,
      nextId: createIds(clock),
    });
  let server = await listen(0);
  const { url } = server;
  const keys = await createFirstKeys(planes.control);
  const loader = composeLoader({ store, registry, clock, log, connect: () => sql });
  const drain = async (): Promise<void> => void (await loader.drain());
  const http = createHttp({ url, keys, sql, drain });
  const closeAll = async (): Promise<void> => {
    await server.close();
    await planes.close();
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
    get journal() {
      return planes.gateway.journal;
    },
    get budgets() {
      return planes.gateway.budgets;
    },
    get control() {
      return planes.control;
    },
    logged,
    openai: (apiKey = keys.api_key) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    spentBefore: () => readSpentBefore(sql, store, clock),
    drain,
    stop: () => planes.beginStop(),
    restart: async () => {
      planes.beginStop();
      await server.close();
      await planes.close();
      planes = await start();
      server = await listen(Number(new URL(url).port));
    },
    close: async () => {
      planes.beginStop();
      try {
        await until(
          async () => /^onevault_calls_in_flight 0$/m.test((await http.get('/metrics')).text),
          'no call is under way',
        );
      } finally {
        // An open resource would prevent the end of the test run.
        await closeAll();
      }
      assert.deepEqual(logged, [], 'a fault of our own was logged');
    },
  };
};

const limitsOf = (options: TestGatewayOptions): Limits => ({
  journal_limit_bytes: options.journal_limit_bytes ?? 2 ** 30,
  body_limit_bytes: options.body_limit_bytes ?? 1_000_000,
  replay_limit_bytes: options.replay_limit_bytes ?? 2 ** 20,
  client_timeout_ms: options.client_timeout_ms ?? 5_000,
  max_calls_in_flight: options.max_calls_in_flight ?? 1_000,
  refused_keys_per_minute: options.refused_keys_per_minute ?? 1_000_000,
  realtime: { ...REALTIME, ...options.realtime },
});

const journalOf =
  ({ aroundJournal }: TestGatewayOptions): CompositionInput['openJournal'] =>
  async (writer) => {
    const opened = await openWriter(writer);
    return aroundJournal?.(opened) ?? opened;
  };

/** Every provider at the sandbox, or at the base URL of the test. */
const endpointsOf = ({ url }: Sandbox, options: TestGatewayOptions): Endpoints => {
  const limits = { ...UPSTREAM_LIMITS, ...options.limits };
  const in_sandbox = { openai: `${url}/v1`, anthropic: url, google: url };
  const addresses = new Map<string, string>(Object.entries({ ...in_sandbox, ...options.base_urls }));
  const upstreamOf = (base_url: string) => ({ base_url, api_key: 'sk-upstream-1234567890', limits });
  return {
    upstreams: Object.fromEntries([...addresses].map(([provider, base_url]) => [provider, upstreamOf(base_url)])),
    key_endpoint: { limits, baseUrlOf: (provider) => addresses.get(provider) ?? null },
  };
};

/** Keys whose uses are not recorded, because tests count the events of their own actions. */
const openTestKeys = (sql: Sql, clock: Clock, folder: string): OpenKeys => {
  const kms = createFileKms({ path: join(folder, 'master-keys.json'), given_keys: [], clock });
  kms.createMasterKey();
  const keyring = keyringOf(sql, kms, { clock });
  return { keyring, kms, close: async () => keyring.close() };
};
