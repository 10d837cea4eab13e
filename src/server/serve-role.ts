import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { startSnapshotKeeper } from '../catalog/snapshot-keeper.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import { createLog, type Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { createBudgetCounters } from '../gateway/limits/budgets.ts';
import { createRateLimiter } from '../gateway/limits/rate-limiter.ts';
import { createGatewayMetrics } from '../gateway/metrics.ts';
import { createProviderKeys } from '../gateway/routing/unsealed-keys.ts';
import type { Dependency } from '../http/health.ts';
import { serveUpgrades, UPGRADES } from '../http/upgrades.ts';
import { countEntries } from '../journal/reader.ts';
import { openStore } from '../journal/store.ts';
import { openWriter } from '../journal/writer.ts';
import { createAuditTrail, tellRefusedKey } from '../modules/audit-trail.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import { createAdapters, createCompatibleAdapters } from '../providers/adapters.ts';
import { createAddressGuard } from '../providers/transport/address-guard.ts';
import { createCaller } from '../providers/transport/caller.ts';
import { createTunnels } from '../providers/transport/tunnel.ts';
import { createLoader } from '../vault/load.ts';
import { createReader } from '../vault/read.ts';
import { loadRegistry } from '../vault/registry.ts';
import { createRowBuilder } from '../vault/rows.ts';
import { createApp } from './app.ts';
import { registerAuditMetrics } from './audit-metrics.ts';
import { createKeyCheck } from './check-provider-key.ts';
import { openKeyring } from './keyring.ts';
import { registerLoadMetrics } from './load-metrics.ts';
import { dataPaths, PROJECT, readVersion } from './paths.ts';
import { readSpentBefore } from './restore-budgets.ts';
import type { RoleInput, Running, StartRole } from './role.ts';
import { createSubjectKms } from './subject-kms.ts';
import { chooseKeyEndpoint, chooseUpstreams } from './upstreams.ts';
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
    role: input.database_role,
    log,
  });
  const store = openStore(dataPaths(config.data_dir).journal);
  const budgets = createBudgetCounters();
  budgets.restore(await readSpentBefore(sql, store, clock));
  const journal = await openWriter({ store, clock, nextId, log, limit_bytes: config.journal_limit_bytes });
  const guard = createAddressGuard({ allowed_hosts: config.allowed_upstream_hosts });
  const caller = createCaller({ guard });
  const registry = loadRegistry(PROJECT.entities);
  const prometheus = createPrometheus(() => countEntries(store));
  const stopped_path = dataPaths(config.data_dir).sealing_stopped;
  registerAuditMetrics({ registry: prometheus, sql, clock, log, stopped_path });
  registerLoadMetrics({ registry: prometheus, sql, log });
  const load = createLoader({ registry, now: clock.now });
  const rows = createRowBuilder(registry);
  const audit = createAuditTrail({ sql, clock, nextId, load, rows, log });
  const keys = await openKeyring(config, sql, log, audit.record);
  const { keyring } = keys;
  const provider_keys = createProviderKeys({ keyring, log });
  const keeper = await startSnapshotKeeper({ sql, clock, log, changed: provider_keys.keepOnly });
  const adapters = { ...createAdapters(clock), ...createCompatibleAdapters(clock) };
  const key_endpoint = chooseKeyEndpoint(config, keeper.current, guard);
  const subject_kms = createSubjectKms({ kms: keys.kms, database_url: input.database_url, log });
  const stopping = new AbortController();
  const app = createApp({
    gateway: {
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
      upstreams: chooseUpstreams(config, keeper.current, input.sandbox_url),
      metrics: createGatewayMetrics(prometheus),
      body_limit_bytes: config.body_limit_bytes,
      client_timeout_ms: config.client_timeout_ms,
      max_calls_in_flight: config.max_calls_in_flight,
      realtime: config.realtime,
      openTunnel: createTunnels(guard),
      tellRefusedKey: tellRefusedKey(audit),
      stopping: stopping.signal,
    },
    control: {
      sql,
      clock,
      nextId,
      registry,
      load,
      rows,
      audit,
      subject_kms,
      keyring,
      checkProviderKey: createKeyCheck({ snapshot: keeper.current, adapters, caller, key_endpoint, guard }),
      witnesses: readWitnesses(config),
      reader: createReader(registry),
      snapshot: keeper.current,
      refreshSnapshot: keeper.refresh,
    },
    health: {
      version: readVersion(),
      isReady: () => !stopping.signal.aborted && journal.isWritable(),
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
  const serve = app.callback();
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, noDelay: true, ...UPGRADES },
    serve,
  );
  serveUpgrades(server, serve);
  const url = await listen(server, input);
  return {
    url,
    stop: async () => {
      stopping.abort();
      await closeServer(server, config.shutdown_timeout_ms, log);
      await audit.login_failures.close();
      await keeper.close();
      provider_keys.close();
      await journal.close();
      await caller.close();
      await keys.close();
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
