import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../../core/log.ts';
import { StartupError } from '../../core/startup-error.ts';
import { type FolderLock, lockFolder } from './data-dir.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { lookInto, makeCluster, prepareFolder, removeParts } from './postgres-initdb.ts';
import { stopOrphan } from './postgres-orphan.ts';
import { isSuperuser, makeOpenFolder, type PostgresUser, SHARED_FOLDER } from './postgres-user.ts';

/** A database cluster on disk, complete, and held by this process. */
export interface PostgresCluster {
  /** Its folder (PGDATA), a real path. */
  readonly folder: string;
  /** The user that owns it and that the server runs as; null: ourselves. */
  readonly user: PostgresUser | null;
  /** Of the superuser `CLUSTER_OWNER`. */
  readonly password: string;
  /** Lets go of it. */
  release(): void;
}

export interface ClusterInput {
  readonly data_dir: string;
  readonly binaries: PostgresBinaries;
  /** The user that a new cluster is made for; null: ourselves. */
  readonly user: PostgresUser | null;
  /** Whether a new cluster is flushed to disk before it counts as made. */
  readonly sync: boolean;
  readonly log: Log;
}

/**
 * Opens the cluster of a data directory, making it on the first start, and stops a server that a killed process left
 * running on it. It stands in `<data_dir>/postgres`; where its user cannot get there, that is a link to a folder
 * below `SHARED_FOLDER`. The password stands in `<data_dir>/postgres.password`, readable by us alone.
 * @throws StartupError when another process holds it, it is of another version or owner, or cannot be made
 */
export const openCluster = async (input: ClusterInput): Promise<PostgresCluster> => {
  const place = join(realpathSync(input.data_dir), 'postgres');
  const locks = [lockFolder(dirname(place), 'postgres')];
  const release = () => {
    for (const lock of locks) lock.release();
  };
  try {
    await removeParts(dirname(place));
    if (!existsSync(place)) await makeClusterFor(input, place, locks);
    const folder = realpathSync(place);
    // A copy of a data directory made outside holds a link to the same cluster.
    if (locks.length === 1 && folder !== place) locks.push(lockFolder(dirname(folder), 'postgres'));
    const user = ownerOf(folder);
    await checkCluster(input.binaries, folder, user);
    const password = await readPassword(passwordPath(place));
    await stopOrphan(folder, input.log);
    return { folder, user, password, release };
  } catch (error) {
    release();
    throw error;
  }
};

const makeClusterFor = async (input: ClusterInput, place: string, locks: FolderLock[]): Promise<void> => {
  if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) {
    throw new StartupError(
      `The database is gone: ${place} is a link to a folder that is no longer there. ` +
        `Bring that folder back, or remove ${dirname(place)} to begin with an empty database.`,
    );
  }
  const { binaries, user, sync, log } = input;
  const password = randomBytes(24).toString('hex');
  await writeFile(passwordPath(place), `${password}\n`, { mode: 0o600, flush: true });
  const first = await prepareFolder(dirname(place), binaries, user);
  if ('part' in first) return makeCluster({ part: first.part, folder: place, binaries, user, password, sync });

  const home = sharedHome(dirname(place));
  log.info({ home, why: first.obstacle }, 'the database is made outside the data directory');
  await makeOpenFolder(home).catch((error: Error) => {
    throw unreachableError(first.obstacle, home, error.message);
  });
  locks.push(lockFolder(home, 'postgres'));
  const folder = join(home, 'postgres');
  await setAside(folder, log);
  await removeParts(home);
  const second = await prepareFolder(home, binaries, user);
  if ('obstacle' in second) throw unreachableError(first.obstacle, home, second.obstacle);
  await makeCluster({ part: second.part, folder, binaries, user, password, sync });
  await symlink(folder, place);
};

const passwordPath = (place: string): string => `${place}.password`;

const sharedHome = (data_dir: string): string =>
  join(SHARED_FOLDER, `data-${createHash('sha256').update(data_dir).digest('hex').slice(0, 16)}`);

const unreachableError = (obstacle: string, home: string, why: string): StartupError =>
  new StartupError(
    `PostgreSQL does not run as root, and the user that it runs as cannot use the data directory (${obstacle}), ` +
      `nor ${home} (${why}). Set ONEVAULT_DATA_DIR to a folder that every user can enter, or DATABASE_URL to a PostgreSQL of your own.`,
  );

/** A cluster whose data directory was removed since is kept, but nothing points to it any more. */
const setAside = async (folder: string, log: Log): Promise<void> => {
  if (!existsSync(folder)) return;
  await stopOrphan(folder, log);
  const aside = `${folder}.left-${Date.now()}`;
  await rename(folder, aside);
  log.warn(
    { folder: aside },
    'the database of a data directory that was removed is set aside: delete it if nobody misses it',
  );
};

const readPassword = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: Error) => {
      throw new StartupError(
        `The database's password cannot be read: ${error.message}. ` +
          `Bring ${path} back, or remove ${dirname(path)} to begin with an empty database.`,
        { cause: error },
      );
    },
  );

/** As root, the server runs as the cluster's owner, who may be another than a new cluster would get. */
const ownerOf = (folder: string): PostgresUser | null => {
  const { uid, gid } = statSync(folder);
  return isSuperuser() ? { uid, gid } : null;
};

const checkCluster = async (binaries: PostgresBinaries, folder: string, user: PostgresUser | null): Promise<void> => {
  const owner = statSync(folder).uid;
  const self = process.getuid?.() ?? owner;
  if (owner !== self && self !== 0) {
    throw new StartupError(
      `The database ${folder} belongs to the user with id ${owner}, and this process runs as ${self}: ` +
        'start as its owner, or set ONEVAULT_DATA_DIR to another folder.',
    );
  }
  if (user?.uid === 0) {
    throw new StartupError(
      `The database ${folder} belongs to root, as whom PostgreSQL does not run: give it back to the user who owned it (chown -R).`,
    );
  }
  const obstacle = await lookInto(folder, binaries, user);
  if (obstacle !== null) {
    throw new StartupError(
      `The database ${folder} cannot be entered by its owner (id ${owner}): let everyone pass through the folders above it (chmod o+x). ${obstacle}`,
    );
  }
  const major = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => 'no known version')).trim();
  if (major !== binaries.major) {
    throw new StartupError(
      `The database ${folder} is of PostgreSQL ${major}, and this is PostgreSQL ${binaries.major}: ` +
        'move it over with pg_dump, or set ONEVAULT_DATA_DIR to another folder.',
    );
  }
};
