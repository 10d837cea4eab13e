import { chown, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupError } from '../../core/startup-error.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { runProgram } from './postgres-process.ts';
import type { PostgresUser } from './postgres-user.ts';

/** The name of the cluster's superuser and of its database. */
export const CLUSTER_OWNER = 'onevault';

/** Prefix of a prepared folder. An incomplete cluster never has the final name. */
const PART = 'postgres.part-';

/** Removes the incomplete clusters of interrupted starts. */
export const removeParts = async (home: string): Promise<void> => {
  for (const name of await readdir(home)) {
    if (!name.startsWith(PART)) continue;
    // An initdb of a killed process may still run and write there; a later start removes the rest.
    await rm(join(home, name), { recursive: true, force: true }).catch(() => undefined);
  }
};

export type PreparedFolder = { readonly part: string } | { readonly obstacle: string };

/**
 * Creates an empty folder beside the future cluster, and checks that the server's user can use it.
 * @returns its path, or the reason why that user cannot use it
 */
export const prepareFolder = async (
  home: string,
  binaries: PostgresBinaries,
  user: PostgresUser | null,
): Promise<PreparedFolder> => {
  const part = await mkdtemp(join(home, PART));
  const obstacle = user === null ? null : await giveTo(part, binaries, user);
  if (obstacle === null) return { part };
  await rm(part, { recursive: true, force: true });
  return { obstacle };
};

const giveTo = async (part: string, binaries: PostgresBinaries, user: PostgresUser): Promise<string | null> => {
  const refused = await chown(part, user.uid, user.gid).then(
    () => null,
    (error: Error) => error.message,
  );
  if (refused !== null) return refused;
  // Some shared folders of virtual machines accept a change of the owner but ignore it.
  if ((await stat(part)).uid !== user.uid) return `the owner of ${part} cannot be changed`;
  return findObstacle(part, binaries, user);
};

/**
 * Checks that the server's user can enter a folder, by letting the server's program read its settings there.
 * @returns null if it can, else the program's output
 */
export const findObstacle = async (
  folder: string,
  binaries: PostgresBinaries,
  user: PostgresUser | null,
): Promise<string | null> => {
  const result = await runProgram(binaries.postgres, ['-D', folder, '-C', 'data_directory'], user);
  return result.stderr.includes('Permission denied') ? result.stderr.trim() : null;
};

export interface InitdbInput {
  /** Result of `prepareFolder`. */
  readonly part: string;
  /** Final path of the cluster. */
  readonly folder: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser | null;
  readonly password: string;
  /** True if all of it must be on disk before it counts as complete. */
  readonly sync: boolean;
}

/**
 * Creates a cluster in a prepared folder and renames it to its final path, in less than a second.
 * @throws StartupError if initdb fails or the disk is full
 */
export const makeCluster = async (input: InitdbInput): Promise<void> => {
  const { part, folder, binaries, user, password, sync } = input;
  const password_file = `${part}.password`;
  try {
    await writeFile(password_file, password, { mode: 0o600 });
    if (user !== null) await chown(password_file, user.uid, user.gid);
    const result = await runProgram(binaries.initdb, initdbArgs(part, password_file, sync), user);
    if (result.code !== 0) throw new Error(`initdb: ${result.stderr.trim()}`);
    await rename(part, folder);
    if (sync) await syncFolder(dirname(folder));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    const message = (error as Error).message;
    const hint = /No space left|ENOSPC/.test(message) ? 'The disk is full: free some space. ' : '';
    throw new StartupError(
      `The database cannot be created at ${folder}. ${hint}${message}\n` +
        'Correct this, set ONEVAULT_DATA_DIR to another folder, or set DATABASE_URL to your own PostgreSQL.',
      { cause: error },
    );
  } finally {
    await rm(password_file, { force: true });
  }
};

const initdbArgs = (folder: string, password_file: string, sync: boolean): string[] => [
  `--pgdata=${folder}`,
  `--username=${CLUSTER_OWNER}`,
  `--pwfile=${password_file}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  // PostgreSQL's own C.UTF-8 sorts by code point, the same on every machine and for every C library.
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  ...(sync ? [] : ['--no-sync']),
];

/** Makes a rename durable. */
const syncFolder = async (path: string): Promise<void> => {
  // Windows cannot open a folder, and does not need this step.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
};
