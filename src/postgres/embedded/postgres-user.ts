import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StartupError } from '../../core/startup-error.ts';

/** Whom the embedded PostgreSQL's processes run as, in the form that `spawn` takes. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** Where root keeps what that user must reach and cannot reach where it is: every folder of this path is open to all. */
export const SHARED_FOLDER = '/var/lib/onevault';

/** Makes a folder, and those above it, that every user can enter, whatever the umask. One that exists stays as it is. */
export const makeOpenFolder = async (path: string): Promise<void> => {
  if (existsSync(path)) return;
  await makeOpenFolder(dirname(path));
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
};

// `postgres` exists where PostgreSQL was once installed, `nobody` wherever there is an /etc/passwd.
const CANDIDATES = ['postgres', 'nobody'];

/** Whether this process is the superuser, as whom PostgreSQL refuses to run. */
export const isSuperuser = (): boolean => process.getuid?.() === 0;

/**
 * The unprivileged user of this machine that PostgreSQL runs as when we are root; null when we are an ordinary
 * user ourselves. initdb asks for an entry in /etc/passwd, so a made-up id would not do.
 * @throws StartupError when /etc/passwd names no such user
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
      'start as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
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
