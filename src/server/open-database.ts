import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { checkDriver } from '../postgres/check-driver.ts';
import { connect } from '../postgres/connect.ts';
import { type FolderLock, lockDataDir, makePrivateFolder } from '../postgres/embedded/data-dir.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../postgres/embedded/embedded-postgres.ts';
import { migrate, seed } from '../postgres/migrate.ts';
import { makePartitionsAhead } from '../vault/partitions.ts';
import type { Config } from './config.ts';
import { dataPaths } from './paths.ts';
import { migrateRecorded } from './record-definitions.ts';

/** The database of the product: the embedded one, or the one in DATABASE_URL. */
export interface Database {
  readonly url: string;
  stop(): Promise<void>;
}

const RESTART_DELAY_MS = 1_000;
// PostgreSQL 15 is the oldest tested version: unique nulls, merge, and immutable casts for the hashing.
const OLDEST_VERSION = 150_000;

/** Starts the embedded PostgreSQL and restarts it when it dies, or checks the configured one; then migrates. */
export const openDatabase = async (config: Config, log: Log): Promise<Database> => {
  checkDriver();
  const database = config.database_url === null ? await openEmbedded(config, log) : external(config.database_url);
  try {
    await probe(database.url);
    const migrations = await migrateRecorded(database.url, async () => {
      const names = await migrate(database.url);
      await seed(database.url);
      await makePartitions(database.url);
      return names;
    });
    if (migrations.length > 0) log.info({ migrations }, 'the database has the newest schema');
    return database;
  } catch (error) {
    await database.stop();
    throw error;
  }
};

/** The daily job may not have run for a long time, or never. */
const makePartitions = async (url: string): Promise<void> => {
  const sql = connect(url, { max_connections: 1 });
  try {
    await makePartitionsAhead(sql, systemClock.now());
  } finally {
    await sql.end({ timeout: 1 });
  }
};

/** Connection data of a running product, for commands on the same machine. */
export interface Runtime {
  readonly pid: number;
  readonly database_url: string;
}

/**
 * The database for one command: the one of the product that runs on the data directory, otherwise one that is started
 * for the command.
 */
export const openDatabaseForCommand = async (config: Config, log: Log): Promise<Database> => {
  if (config.database_url !== null) return openDatabase(config, log);
  let lock: FolderLock;
  try {
    lock = lockDataDir(config.data_dir);
  } catch (error) {
    const { runtime } = dataPaths(config.data_dir);
    if (!existsSync(runtime)) throw error;
    const { database_url } = JSON.parse(readFileSync(runtime, 'utf8')) as Runtime;
    return { url: database_url, stop: async () => {} };
  }
  try {
    const database = await openDatabase(config, log);
    return {
      url: database.url,
      stop: async () => {
        await database.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
};

const openEmbedded = async (config: Config, log: Log): Promise<Database> => {
  const data_dir = join(dataPaths(config.data_dir).postgres);
  makePrivateFolder(data_dir);
  let is_stopping = false;
  let server: EmbeddedPostgres;
  let restarting: Promise<void> = Promise.resolve();
  const start = (port?: number): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      data_dir,
      log,
      ...(port === undefined ? {} : { port }),
      on_exit: (reason) => {
        log.error({ reason }, 'PostgreSQL died and is started again; calls go on');
        restarting = restart();
      },
    });
  const restart = async (): Promise<void> => {
    let reported = '';
    while (!is_stopping) {
      try {
        server = await start(server.port);
        log.info('PostgreSQL runs again');
        return;
      } catch (err) {
        const message = (err as Error).message;
        if (message !== reported) log.error({ err }, 'PostgreSQL cannot be started again; it is tried until it can');
        reported = message;
        await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS));
      }
    }
  };
  server = await start();
  return {
    url: server.url,
    stop: async () => {
      is_stopping = true;
      await restarting;
      await server.stop();
    },
  };
};

const external = (url: string): Database => ({ url, stop: async () => {} });

const probe = async (url: string): Promise<void> => {
  const sql = connect(url, { max_connections: 1 });
  try {
    const [row] = await sql<{ version: number }[]>`select current_setting('server_version_num')::integer as version`;
    if (row!.version < OLDEST_VERSION) {
      throw new StartupError(`DATABASE_URL: PostgreSQL 15 or newer is needed, and this one is ${row!.version}`);
    }
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const reason = (error as Error).message || (error as NodeJS.ErrnoException).code;
    throw new StartupError(
      `DATABASE_URL: the database cannot be reached: ${reason}. Check the host, the user and the database's name, ` +
        'or leave DATABASE_URL out to use the embedded PostgreSQL.',
      { cause: error },
    );
  } finally {
    await sql.end({ timeout: 1 });
  }
};
