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

/** A folder that this process alone holds until `release`, or until it ends, however it ends. */
export interface FolderLock {
  /** The folder's real path. */
  readonly path: string;
  release(): void;
}

/**
 * Makes the data directory if it is missing and takes it for this process alone.
 * @param data_dir path of the folder, relative to the working directory or absolute
 * @throws StartupError at once when another process holds it (the message names the folder and that process), or
 * when it cannot be made or written
 */
export const lockDataDir = (data_dir: string): FolderLock => {
  makePrivateFolder(data_dir);
  return lockFolder(data_dir, 'onevault');
};

/**
 * Makes a folder that only we can read and write. When we are root, the unprivileged user that PostgreSQL runs as
 * may walk through it (mode 0710), because the database's files may lie below. A folder that exists stays as it is.
 * @throws StartupError when it cannot be made
 */
export const makePrivateFolder = (path: string): void => {
  if (existsSync(path)) return;
  try {
    const parent = dirname(path);
    if (!existsSync(parent)) makePrivateFolder(parent);
    mkdirSync(path, { mode: 0o700 });
    letPostgresPass(path);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(
      `The folder ${path} cannot be made: ${(error as Error).message}. ` +
        'Make it yourself, or set ONEVAULT_DATA_DIR to a folder that can be written.',
      { cause: error },
    );
  }
};

const letPostgresPass = (path: string): void => {
  if (!isSuperuser()) return;
  try {
    chownSync(path, 0, findPostgresUser()?.gid ?? 0);
    chmodSync(path, 0o710);
  } catch {
    // No such user, or a disk without owners: nobody else needs the folder unless PostgreSQL is embedded, which
    // finds out by itself.
  }
};

/**
 * Takes a folder for this process alone under a name. The lock is the one that SQLite takes on `<name>.lock` (fcntl
 * on POSIX, LockFileEx on Windows; https://sqlite.org/lockingv3.html): the kernel drops it when the process dies,
 * so nothing stale can stay behind. The holder's process id stands beside in `<name>.pid`, for the message only.
 * @throws StartupError when another holder has it
 */
export const lockFolder = (folder: string, name: string): FolderLock => {
  const path = realpathSync(folder);
  const pid_path = join(path, `${name}.pid`);
  const lock_path = join(path, `${name}.lock`);
  let database: DatabaseSync | undefined;
  try {
    // Whoever can read the file could keep us from locking it. Never open it twice: POSIX drops a process's locks
    // on a file with the first of its descriptors that is closed.
    if (!existsSync(lock_path)) writeFileSync(lock_path, '', { mode: 0o600 });
    database = new DatabaseSync(lock_path, { timeout: 0 });
    // Nothing is ever written to it, so it needs no journal file beside.
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
      'See that it belongs to the user who starts, can be written and has room, or set ONEVAULT_DATA_DIR to another.',
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
