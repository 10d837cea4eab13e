import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../core/clock.ts';
import { createLog, type Log } from '../core/log.ts';
import { recoverWriters } from '../journal/recover.ts';
import { openStore } from '../journal/store.ts';
import { connect } from '../postgres/connect.ts';
import { lockDataDir } from '../postgres/embedded/data-dir.ts';
import { type Child, type ChildInput, startChild } from './children.ts';
import type { Config } from './config.ts';
import { findVaultRole } from './database-role.ts';
import { type Demo, readOrCreateKeys, writePrivate } from './demo-keys.ts';
import { openDatabase, type Runtime } from './open-database.ts';
import { prepareMasterKeys } from './open-keyring.ts';
import { dataPaths } from './paths.ts';
import type { RoleName } from './role.ts';
import { needsSandbox } from './upstreams.ts';

/** The running product. */
export interface Product extends Demo {
  readonly database_url: string;
  /** The process that serves calls. */
  readonly serve_pid: () => number;
  /** Stops every part, the serving process first and PostgreSQL last. */
  stop(): Promise<void>;
}

// Additional time, beyond the one for current calls, for the rest of a child's shutdown.
const STOP_MARGIN_MS = 10_000;

/**
 * Starts every role on this machine: PostgreSQL, the sandbox, the loader, both planes, the scheduler. If a
 * later part fails, it stops the started ones.
 * @throws StartupError, ConfigError
 */
export const startProduct = async (config: Config): Promise<Product> => {
  const log = createLog(config.log_level, 'onevault');
  const paths = dataPaths(config.data_dir);
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (let undo = stops.pop(); undo !== undefined; undo = stops.pop()) await undo();
  };
  try {
    const lock = lockDataDir(config.data_dir);
    stops.push(() => lock.release());
    const database = await openDatabase(config, log);
    stops.push(() => database.stop());
    const database_role = await prepareDatabase(config, database.url, log);
    const keys = await readOrCreateKeys(paths.demo, database.url);
    writePrivate(paths.runtime, { pid: process.pid, database_url: database.url } satisfies Runtime);
    stops.push(() => rmSync(paths.runtime, { force: true }));
    await recoverJournal(paths.journal, log);

    const children = new Map<RoleName, Child>();
    const run = async (name: RoleName, more: Partial<ChildInput> = {}): Promise<Child> => {
      const sandbox_url = () => children.get('sandbox')?.url ?? null;
      const database_url = database.url;
      const role = () => ({ config, database_url, database_role, sandbox_url: sandbox_url(), port: 0 });
      const child = await startChild({ name, role, log, ...more });
      children.set(name, child);
      stops.push(() => child.stop(config.shutdown_timeout_ms + STOP_MARGIN_MS));
      return child;
    };
    const first: readonly RoleName[] = needsSandbox(config) ? ['sandbox', 'load', 'schedule'] : ['load', 'schedule'];
    await allOf(first.map((name) => run(name)));
    const serve = await run('serve', { beforeRestart: () => recoverJournal(paths.journal, log) });
    const demo: Demo = { url: serve.url!, api_key: keys.api_key, admin_key: keys.admin_key };
    writePrivate(paths.demo, demo);
    return { ...demo, database_url: database.url, serve_pid: () => serve.pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Creates the master key before any part that seals. @returns the role for parts that only read and insert */
const prepareDatabase = async (config: Config, database_url: string, log: Log): Promise<string | null> => {
  const sql = connect(database_url, { max_connections: 1 });
  try {
    await prepareMasterKeys(config, sql, log);
    return await findVaultRole(sql, log);
  } finally {
    await sql.end({ timeout: 1 });
  }
};

/** Waits for every start, even if one fails, because only a started part can be stopped. */
const allOf = async (starts: readonly Promise<Child>[]): Promise<void> => {
  for (const start of await Promise.allSettled(starts)) if (start.status === 'rejected') throw start.reason;
};

/** Ends the journal writers of dead processes, while no writing process runs. */
const recoverJournal = async (path: string, log: Log): Promise<void> => {
  const store = openStore(path);
  try {
    store.root.readerCheck();
    for (const recovery of await recoverWriters(store, systemClock)) {
      log.warn(recovery, 'a journal writer that had died is closed');
    }
  } finally {
    await store.root.close();
  }
};

/** Runs the product until a signal ends it. */
export const runUntilSignal = async (product: Product, log: Log): Promise<void> => {
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGINT', () => resolve('SIGINT'));
    process.once('SIGTERM', () => resolve('SIGTERM'));
  });
  log.info({ signal }, 'stopping: calls under way are finished first');
  const impatient = new Promise<never>((_, reject) => {
    process.once('SIGINT', () => reject(new Error('stopped at once, at a second Ctrl-C')));
  });
  await Promise.race([product.stop(), impatient]);
  await sleep(0);
};
