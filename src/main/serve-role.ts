import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { createAuditTrail } from '../control/audit-trail.ts';
import { startSnapshotKeeper } from '../control/snapshot-keeper.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import { createLog, type Log } from '../core/log.ts';
import { connect, type Sql } from '../core/postgres.ts';
import { StartupError } from '../core/startup-error.ts';
import { createBudgetCounters } from '../gateway/budgets.ts';
import { createGatewayMetrics } from '../gateway/metrics.ts';
import { createRateLimiter } from '../gateway/rate-limiter.ts';
import type { Dependency } from '../http/health.ts';
import { countEntries } from '../journal/reader.ts';
import { openStore } from '../journal/store.ts';
import { openWriter } from '../journal/writer.ts';
import { createCaller } from '../providers/caller.ts';
import { createAdapters } from '../providers/registry.ts';
import { createLoader } from '../vault/load.ts';
import { createReader } from '../vault/read.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createRowBuilder } from '../vault/rows.ts';
import { createApp } from './app.ts';
import { registerAuditMetrics } from './audit-metrics.ts';
import { readSpentBefore } from './budgets.ts';
import { prepareMasterKeys } from './keyring.ts';
import { dataPaths, PROJECT, readVersion } from './paths.ts';
import type { RoleInput, Running, StartRole } from './role.ts';
import { createSubjectKms } from './subject-kms.ts';
import { chooseUpstreams } from './upstreams.ts';
import { readWitnesses } from './witnesses.ts';

// The vault's answers to administrators and the snapshot: calls never wait for a connection.
const CONNECTIONS = 5;
// Longer than what balancers keep a connection for (AWS and nginx: 60 s), so that they are the ones to close it.
const KEEP_ALIVE_MS = 75_000;
// A client must have sent its whole request by then, however slowly.
const REQUEST_TIMEOUT_MS = 120_000;

/** Both planes on one port: the gateway's calls, and administration. */
export const startServeRole: StartRole = async (input) => {
  const { config } = input;
  const log = createLog(config.log_level, 'gateway');
  const clock = systemClock;
  const nextId = createIds(clock);
  const sql = connect(input.database_url, {
    application_name: 'onevault gateway',
    max_connections: CONNECTIONS,
    log,
  });
  const store = openStore(dataPaths(config.data_dir).journal);
  const keeper = await startSnapshotKeeper({ sql, clock, log });
  const budgets = createBudgetCounters();
  budgets.restore(await readSpentBefore(sql, store, clock));
  const journal = await openWriter({ store, clock, nextId, log, limit_bytes: config.journal_limit_bytes });
  const caller = createCaller();
  const registry = loadRegistry(PROJECT.entities);
  const prometheus = createPrometheus(() => countEntries(store));
  const stopped_path = dataPaths(config.data_dir).sealing_stopped;
  registerAuditMetrics({ registry: prometheus, sql, clock, log, stopped_path });
  const load = createLoader({ registry, now: clock.now });
  const rows = createRowBuilder(registry);
  const audit = createAuditTrail({ sql, clock, nextId, load, rows, log });
  const kms = await prepareMasterKeys(config, sql, log);
  const subject_kms = createSubjectKms({ kms, database_url: input.database_url, log });
  let is_stopping = false;
  const app = createApp({
    gateway: {
      ...{ clock, nextId, log, journal, budgets, caller },
      snapshot: keeper.current,
      limiter: createRateLimiter(),
      adapters: createAdapters(clock),
      upstreams: chooseUpstreams(config, keeper.current, input.sandbox_url),
      metrics: createGatewayMetrics(prometheus),
      body_limit_bytes: config.body_limit_bytes,
      max_calls_in_flight: config.max_calls_in_flight,
    },
    control: {
      ...{ sql, clock, nextId, registry, load, rows, audit, subject_kms },
      witnesses: readWitnesses(config),
      reader: createReader(registry),
      snapshot: keeper.current,
      refreshSnapshot: keeper.refresh,
    },
    health: {
      version: readVersion(),
      isReady: () => !is_stopping && journal.isWritable(),
      dependencies: async () => ({
        database: await probeDatabase(sql),
        journal: {
          status: journal.isWritable() ? 'up' : 'down',
          detail: `${countEntries(store)} records wait`,
        },
      }),
    },
    registry: prometheus,
  });
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    app.callback(),
  );
  const url = await listen(server, input);
  return {
    url,
    stop: async () => {
      is_stopping = true;
      await closeServer(server, config.shutdown_timeout_ms, log);
      await audit.login_failures.close();
      await keeper.close();
      await journal.close();
      await caller.close();
      await sql.end({ timeout: 5 });
      await store.root.close();
    },
  } satisfies Running;
};

const createPrometheus = (waiting: () => number): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'onevault_journal_records',
    help: 'Records in the journal: those that wait for the vault, and intents of calls under way.',
    registers: [registry],
    collect() {
      this.set(waiting());
    },
  });
  return registry;
};

const probeDatabase = async (sql: Sql): Promise<Dependency> => {
  try {
    await sql`select 1`;
    return { status: 'up' };
  } catch {
    return { status: 'down', detail: 'calls are served and recorded; they reach the vault when it is back' };
  }
};

const listen = (server: Server, { config, port }: RoleInput): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text = {
        EADDRINUSE: `PORT=${config.port}: another program listens there; stop it, or choose another PORT`,
        EACCES: `PORT=${config.port}: this user may not listen there; choose a PORT of 1024 or more`,
        EADDRNOTAVAIL: `HOST=${config.host}: this machine has no such address`,
      }[error.code ?? ''];
      reject(
        new StartupError(text ?? `cannot listen on ${config.host}:${config.port}: ${error.message}`, {
          cause: error,
        }),
      );
    });
    // A socket of this process alone: what a cluster's primary accepts and hands over hangs for ever when the worker
    // is killed in between, and closes at once when the kernel takes back the socket with its process.
    const wanted = { port: port === 0 ? config.port : port, host: config.host, exclusive: true };
    server.listen(wanted, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : config.port;
      resolve(`http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${bound}`);
    });
  });

/** Takes no more connections, lets calls under way end, and cuts what is left when the time is up. */
const closeServer = async (server: Server, timeout_ms: number, log: Log): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const bound = new AbortController();
  const cut = sleep(timeout_ms, undefined, { signal: bound.signal }).then(
    () => {
      log.warn({ timeout_ms }, 'calls were still under way and are cut');
      server.closeAllConnections();
    },
    () => {},
  );
  await closed;
  bound.abort();
  await cut;
};
