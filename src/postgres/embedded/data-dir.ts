import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../core/startup-error.ts';
import { findPostgresUser, isSuperuser } from './postgres-user.ts';

/** A folder that only this process holds, until `release` or the end of the process. */
export interface FolderLock {
  /** The folder's real path. */
  readonly path: string;
  release(): void;
}

/**
 * Creates the data directory if it is missing and locks it for this process.
 * @param data_dir path of the folder, relative to the working directory or absolute
 * @throws StartupError at once if another process holds it (the message names the folder and that process), or if
 * it cannot be created or written
 */
export const lockDataDir = (data_dir: string): FolderLock => {
  makePrivateFolder(data_dir);
  return lockFolder(data_dir, 'onevault');
};

/**
 * Creates a folder that only our user can read and write. If we are root, the unprivileged user of PostgreSQL may also
 * enter it (mode 0710), because the database's files may lie below it. An existing folder stays unchanged.
 * @throws StartupError if it cannot be created
 */
export const makePrivateFolder = (path: string): void => {
  if (existsSync(path)) return;
  try {
    const parent = dirname(path);
    if (!existsSync(parent)) makePrivateFolder(parent);
    mkdirSync(path, { mode: 0o700 });
    letPostgresEnter(path);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(
      `The folder ${path} cannot be created: ${(error as Error).message}. ` +
        'Create it yourself, or set ONEVAULT_DATA_DIR to a writable folder.',
      { cause: error },
    );
  }
};

const letPostgresEnter = (path: string): void => {
  if (!isSuperuser()) return;
  try {
    chownSync(path, 0, findPostgresUser()?.gid ?? 0);
    chmodSync(path, 0o710);
  } catch {
    // No such user, or a file system without owners. Only the embedded PostgreSQL needs the folder, and it checks its
    // access itself.
  }
};

/**
 * Locks a folder for this process under a name. The lock is the one that SQLite takes on `<name>.lock` (fcntl on
 * POSIX, LockFileEx on Windows; https://sqlite.org/lockingv3.html). The kernel releases it when the process dies, so
 * a lock is never stale. The file `<name>.pid` holds the holder's process id, for the message only.
 * @throws StartupError if another process holds it
 */
export const lockFolder = (folder: string, name: string): FolderLock => {
  const path = realpathSync(folder);
  const pid_path = join(path, `${name}.pid`);
  const lock_path = join(path, `${name}.lock`);
  let database: DatabaseSync | undefined;
  try {
    // A process that can read the file could block the lock. Never open the file twice: POSIX drops all of a process's
    // locks on a file when it closes the first of its descriptors.
    if (!existsSync(lock_path)) writeFileSync(lock_path, '', { mode: 0o600 });
    database = new DatabaseSync(lock_path, { timeout: 0 });
    // Nothing is ever written to the database, so it needs no journal file.
    database.exec('pragma journal_mode = off; pragma locking_mode = exclusive; begin exclusive');
    writeFileSync(pid_path, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database?.close();
    throw lockError(error, path, pid_path);
  }
  const held = database;
  let released = false;
  return {
    path,
    release() {
      if (released) return;
      released = true;
      rmSync(pid_path, { force: true });
      held.close();
    },
  };
};

// https://sqlite.org/rescode.html#busy
const SQLITE_BUSY = 5;

const lockError = (error: unknown, path: string, pid_path: string): StartupError => {
  const cause = error as Error & { errcode?: number };
  if (cause.errcode === SQLITE_BUSY) {
    return new StartupError(
      `The folder ${path} is in use by process ${readPid(pid_path)}: stop that process, or set ONEVAULT_DATA_DIR to another folder.`,
      { cause },
    );
  }
  return new StartupError(
    `The folder ${path} cannot be used: ${cause.message}. ` +
      'Check that it belongs to the user of this process, is writable and has free space, or set ONEVAULT_DATA_DIR to another folder.',
    { cause },
  );
};

const readPid = (pid_path: string): string => {
  try {
    return readFileSync(pid_path, 'utf8').trim();
  } catch {
    return 'unknown';
  }
};
