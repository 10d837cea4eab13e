import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { StartupError } from '../../core/startup-error.ts';
import { connect } from '../connect.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { openCluster } from './postgres-cluster.ts';
import { CLUSTER_OWNER } from './postgres-initdb.ts';
import { LaunchError, type LaunchInput, launchServer, type ServerProcess } from './postgres-server.ts';
import type { PostgresSettings } from './postgres-settings.ts';
import { findPostgresUser } from './postgres-user.ts';

export interface EmbeddedPostgresInput {
  /** Existing folder of the cluster. */
  readonly data_dir: string;
  readonly log: Log;
  /** Port on 127.0.0.1; by default a free one. */
  readonly port?: number;
  /** PostgreSQL settings that override the product's own. */
  readonly settings?: PostgresSettings;
  /** Called with the last output when the server ends without `stop`. The caller decides about a restart. */
  readonly on_exit?: (reason: string) => void;
}

export interface EmbeddedPostgres {
  /** `postgres://…` of the database `onevault`, with the password of its superuser. */
  readonly url: string;
  readonly port: number;
  /** Closes all connections, stops the server and resolves when it has ended. A second call waits for the first. */
  stop(): Promise<void>;
}

// Another program may take the free port before the server starts.
const PORT_ATTEMPTS = 5;
// The processes of a killed server end within moments; a busy one ends after its statement.
const STILL_IN_USE_TIMEOUT_MS = 20_000;
const STILL_IN_USE_POLL_MS = 100;

/**
 * Starts a PostgreSQL server on a data directory. It creates the cluster on the first start and recovers it after a
 * crash. If we are root, the server runs as an unprivileged user. Only one process can hold a data directory.
 * @throws StartupError that names the fault, its place and its cure
 */
export const startEmbeddedPostgres = async (input: EmbeddedPostgresInput): Promise<EmbeddedPostgres> => {
  const { log, settings = {} } = input;
  const data_dir = realpathSync(input.data_dir);
  const user = findPostgresUser();
  const binaries = await findPostgresBinaries(user, log);
  const cluster = await openCluster({ data_dir, binaries, user, sync: settings.fsync !== 'off', log });
  try {
    const launch = { program: binaries.postgres, cluster, settings, log };
    const { server, port } = await launchOnPort(launch, input.port);
    const url = (database: string) => `postgres://${CLUSTER_OWNER}:${cluster.password}@127.0.0.1:${port}/${database}`;
    await createDatabase(url('postgres')).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    let stopping: Promise<void> | undefined;
    void server.ended.then((reason) => {
      cluster.release();
      if (stopping === undefined) input.on_exit?.(reason);
    });
    const stop = () => {
      stopping ??= server.stop();
      return stopping;
    };
    return { url: url(CLUSTER_OWNER), port, stop };
  } catch (error) {
    cluster.release();
    throw error;
  }
};

const launchOnPort = async (
  launch: Omit<LaunchInput, 'port'>,
  wanted: number | undefined,
): Promise<{ server: ServerProcess; port: number }> => {
  const deadline_ms = performance.now() + STILL_IN_USE_TIMEOUT_MS;
  for (let attempt = 1; ; ) {
    const port = wanted ?? (await freePort());
    try {
      return { server: await launchServer({ ...launch, port }), port };
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      if (error.fault === 'still_in_use' && performance.now() < deadline_ms) await sleep(STILL_IN_USE_POLL_MS);
      else if (error.fault === 'port_taken' && wanted === undefined && attempt < PORT_ATTEMPTS) attempt += 1;
      else throw launchFailure(error, launch.cluster.folder, port);
    }
  }
};

const launchFailure = (error: LaunchError, folder: string, port: number): StartupError => {
  const output = `Output of PostgreSQL:\n${error.message}`;
  const text = {
    port_taken: `Port ${port} on 127.0.0.1 is in use: free it, or let PostgreSQL use any free port. ${output}`,
    disk_full: `The disk of ${folder} is full: free some space and start again. ${output}`,
    still_in_use: `Processes of a killed PostgreSQL still use ${folder}: wait until they end, or end them. ${output}`,
    other: `PostgreSQL does not start on ${folder}. ${output}`,
  }[error.fault];
  return new StartupError(text, { cause: error });
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const createDatabase = async (url: string): Promise<void> => {
  const sql = connect(url, { max_connections: 1 });
  try {
    const found = await sql`select 1 from pg_database where datname = ${CLUSTER_OWNER}`;
    if (found.length === 0) await sql`create database ${sql(CLUSTER_OWNER)}`;
  } finally {
    await sql.end();
  }
};
