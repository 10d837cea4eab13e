import { collectDefaultMetrics, Registry as MetricsRegistry } from 'prom-client';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import { createLog } from '../core/log.ts';
import { countEntries } from '../journal/reader.ts';
import { openStore } from '../journal/store.ts';
import { connect } from '../postgres/connect.ts';
import { loadRegistry } from '../vault/registry.ts';
import { registerAuditMetrics } from './audit-metrics.ts';
import { compose } from './compose.ts';
import { startHttpServer } from './http-server.ts';
import { registerJobMetrics } from './job-status.ts';
import { registerJournalMetrics } from './journal-metrics.ts';
import { registerLoadMetrics } from './load-metrics.ts';
import { openKeyring } from './open-keyring.ts';
import { dataPaths, PROJECT, readVersion } from './paths.ts';
import type { StartRole } from './role.ts';
import { chooseEndpoints } from './upstreams.ts';
import { readWitnesses } from './witnesses.ts';

// For administration and the snapshot only: calls never wait for a connection.
const CONNECTIONS = 5;

/** Both planes on one port: the gateway's calls, and administration. */
export const startServeRole: StartRole = async ({ config, database_url, database_role, sandbox_url, port }) => {
  const log = createLog(config.log_level, 'gateway');
  const clock = systemClock;
  const sql = connect(database_url, {
    application_name: 'onevault gateway',
    max_connections: CONNECTIONS,
    role: database_role,
    log,
  });
  const paths = dataPaths(config.data_dir);
  const store = openStore(paths.journal);
  const metrics = new MetricsRegistry();
  collectDefaultMetrics({ register: metrics });
  registerJournalMetrics(metrics, () => countEntries(store));
  registerJobMetrics({ metrics, sql, log });
  registerAuditMetrics({ metrics, sql, clock, log, stopped_path: paths.sealing_stopped });
  registerLoadMetrics({ metrics, sql, log });
  const planes = await compose({
    clock,
    log,
    sql,
    database_url,
    registry: loadRegistry(PROJECT.entities),
    store,
    metrics,
    limits: config,
    guard: { allowed_hosts: config.allowed_upstream_hosts },
    witnesses: readWitnesses(config),
    version: readVersion(),
    openKeys: (record) => openKeyring(config, sql, log, record),
    chooseEndpoints: (snapshot, guard) => chooseEndpoints({ config, snapshot, guard, sandbox_url }),
  });
  const server = await startHttpServer(planes.app.callback(), {
    host: config.host,
    port: port === 0 ? config.port : port,
    shutdown_timeout_ms: config.shutdown_timeout_ms,
    log,
    clock,
    nextId: createIds(clock),
  });
  return {
    url: server.url,
    stop: async () => {
      planes.beginStop();
      await server.close();
      await planes.close();
      await sql.end({ timeout: 5 });
      await store.root.close();
    },
  };
};
