import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/core/log.ts';
import { connect } from '../../src/postgres/connect.ts';
import { type FolderLock, lockDataDir } from '../../src/postgres/embedded/data-dir.ts';
import { startEmbeddedPostgres } from '../../src/postgres/embedded/embedded-postgres.ts';
import { stopOrphan } from '../../src/postgres/embedded/postgres-orphan.ts';
import { migrate, seed } from '../../src/postgres/migrate.ts';

/** The PostgreSQL server of all tests of this process. */
export interface TestServer {
  /** `postgres://…` of a database of that server, which need not exist yet. */
  url(database: string): string;
  stop(): Promise<void>;
}

const TEMPLATE = 'onevault_template';

// The data need not survive a power cut. Without waits for the disk a clone takes a tenth of the time.
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' };

const FOLDER = /^onevault-test-(\d+)-[0-9a-f]+$/;

let started: Promise<TestServer> | undefined;
let template: Promise<void> | undefined;

// If several processes run the tests, the main process starts the server and passes its address in this variable.
const SHARED = 'SHARED_TEST_SERVER';

/** The shared server, started by the first call. */
export const testServer = (): Promise<TestServer> => {
  const shared = process.env[SHARED];
  started ??= shared === undefined ? start() : Promise.resolve(serverAt(shared));
  return started;
};

/** Starts the server with its template for all processes that this one starts later. */
export const shareTestServer = async (): Promise<void> => {
  await testTemplate();
  process.env[SHARED] = (await testServer()).url('');
};

/** The name of the migrated and seeded database that all others are cloned from. The first call creates it. */
export const testTemplate = async (): Promise<string> => {
  if (process.env[SHARED] === undefined) template ??= testServer().then(makeTemplate);
  await template;
  return TEMPLATE;
};

/** Stops the shared server if a test started it, and removes its files. */
export const stopTestServer = async (): Promise<void> => {
  const server = await started?.catch(() => undefined);
  started = undefined;
  template = undefined;
  await server?.stop();
};

/** An unused path in the system's temporary folder. */
export const temporaryPath = (): string =>
  join(tmpdir(), `onevault-test-${process.pid}-${randomBytes(6).toString('hex')}`);

const start = async (): Promise<TestServer> => {
  await removeLeftFolders();
  const data_dir = temporaryPath();
  const lock = lockDataDir(data_dir);
  const remove = () => rmSync(data_dir, { recursive: true, force: true });
  const postgres = await startEmbeddedPostgres({ data_dir, log: silentLog, settings: FAST }).catch((error) => {
    lock.release();
    remove();
    throw error;
  });
  return {
    ...serverAt(postgres.url),
    async stop() {
      await postgres.stop();
      lock.release();
      remove();
    },
  };
};

const serverAt = (address: string): TestServer => ({
  url: (database) => Object.assign(new URL(address), { pathname: `/${database}` }).href,
  stop: async () => {},
});

const makeTemplate = async (server: TestServer): Promise<void> => {
  const sql = connect(server.url('postgres'), { max_connections: 1 });
  try {
    await sql`create database ${sql(TEMPLATE)}`;
    const url = server.url(TEMPLATE);
    await migrate(url);
    await seed(url);
    await sql`alter database ${sql(TEMPLATE)} with is_template true allow_connections false`;
  } finally {
    await sql.end();
  }
};

/** Removes the folders of killed test runs, and stops their servers. */
const removeLeftFolders = async (): Promise<void> => {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(FOLDER.exec(name)?.[1] ?? process.pid);
    if (isAlive(pid)) continue;
    const folder = join(tmpdir(), name);
    const lock = tryLock(folder);
    if (lock === null) continue;
    await stopOrphan(join(folder, 'postgres'), silentLog);
    lock.release();
    rmSync(folder, { recursive: true, force: true });
  }
};

const tryLock = (folder: string): FolderLock | null => {
  try {
    return lockDataDir(folder);
  } catch {
    return null;
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
