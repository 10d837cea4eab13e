import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartupError } from '../../core/startup-error.ts';

/** User of the embedded PostgreSQL's processes, in the form that `spawn` accepts. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** Folder for files that root keeps and PostgreSQL's user must reach. Every user can enter each folder of the path. */
export const SHARED_FOLDER = '/var/lib/onevault';

/**
 * Creates a folder and its parents so that every user can enter them, independent of the umask. Keeps existing ones.
 */
export const makeOpenFolder = async (path: string): Promise<void> => {
  if (existsSync(path)) return;
  await makeOpenFolder(dirname(path));
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
};

// `postgres` exists where PostgreSQL was installed before, `nobody` on every system with an /etc/passwd.
const CANDIDATES = ['postgres', 'nobody'];

/** True if this process is root; PostgreSQL refuses to run as root. */
export const isSuperuser = (): boolean => process.getuid?.() === 0;

/**
 * The unprivileged user that PostgreSQL runs as if we are root; null if we are an ordinary user ourselves. initdb
 * requires an entry in /etc/passwd, so an invented id does not work.
 * @throws StartupError if /etc/passwd has no such user
 */
export const findPostgresUser = (passwd_path = '/etc/passwd'): PostgresUser | null => {
  if (!isSuperuser()) return null;
  const rows = passwdRows(passwd_path);
  for (const name of CANDIDATES) {
    const row = rows.find((fields) => fields[0] === name);
    const user = { uid: Number(row?.[2]), gid: Number(row?.[3]) };
    if (user.uid > 0 && user.gid > 0) return user;
  }
  throw new StartupError(
    `PostgreSQL does not run as root, and ${passwd_path} has neither of the users ${CANDIDATES.join(', ')}: ` +
      'start as an ordinary user, or set DATABASE_URL to your own PostgreSQL.',
  );
};

const passwdRows = (path: string): string[][] => {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
};
