import { chown, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartupError } from '../../core/startup-error.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { runProgram } from './postgres-process.ts';
import type { PostgresUser } from './postgres-user.ts';

/** The name of the cluster's superuser and of its database. */
export const CLUSTER_OWNER = 'onevault';

/** What a prepared folder's name begins with; the cluster's own name is never that of a half-made one. */
const PART = 'postgres.part-';

/** Removes what interrupted starts left in the home of a cluster. */
export const removeParts = async (home: string): Promise<void> => {
  for (const name of await readdir(home)) {
    if (!name.startsWith(PART)) continue;
    // A killed process may have left initdb running in there: what it still writes is removed by a later start.
    await rm(join(home, name), { recursive: true, force: true }).catch(() => undefined);
  }
};

export type PreparedFolder = { readonly part: string } | { readonly obstacle: string };

/**
 * Makes an empty folder beside which the cluster will stand, and tries whether the server's user can use it.
 * @returns its path, or why that user cannot
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
  // Some shared folders of virtual machines take a change of owner and forget it.
  if ((await stat(part)).uid !== user.uid) return `the owner of ${part} cannot be changed`;
  return lookInto(part, binaries, user);
};

/**
 * Whether the server's user can enter a folder, found by letting the server's program look for its settings there.
 * @returns null when it can, else what the program said
 */
export const lookInto = async (
  folder: string,
  binaries: PostgresBinaries,
  user: PostgresUser | null,
): Promise<string | null> => {
  const look = await runProgram(binaries.postgres, ['-D', folder, '-C', 'data_directory'], user);
  return look.stderr.includes('Permission denied') ? look.stderr.trim() : null;
};

export interface InitdbInput {
  /** As `prepareFolder` made it. */
  readonly part: string;
  /** What it becomes. */
  readonly folder: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser | null;
  readonly password: string;
  /** Whether all of it is flushed to disk before it counts as made. */
  readonly sync: boolean;
}

/**
 * Makes a cluster in a prepared folder and gives it its name, which takes under a second.
 * @throws StartupError when initdb fails or the disk is full
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
    const hint = /No space left|ENOSPC/.test(message) ? 'The disk is full: make room. ' : '';
    throw new StartupError(
      `The database cannot be made at ${folder}. ${hint}${message}\n` +
        'Mend this, set ONEVAULT_DATA_DIR to another folder, or set DATABASE_URL to a PostgreSQL of your own.',
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
  // PostgreSQL's own C.UTF-8 sorts by code point and is the same on every machine, whatever its C library knows.
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  ...(sync ? [] : ['--no-sync']),
];

/** Makes a rename survive a power cut. */
const syncFolder = async (path: string): Promise<void> => {
  // Windows cannot open a folder, and needs no such step.
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
};
