import { createHash, randomBytes } from 'node:crypto';
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../../core/log.ts';
import { StartupError } from '../../core/startup-error.ts';
import { type FolderLock, lockFolder } from './data-dir.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { findObstacle, makeCluster, prepareFolder, removeParts } from './postgres-initdb.ts';
import { stopOrphan } from './postgres-orphan.ts';
import { isSuperuser, makeOpenFolder, type PostgresUser, SHARED_FOLDER } from './postgres-user.ts';

/** A complete database cluster on disk that this process holds. */
export interface PostgresCluster {
  /** Its folder (PGDATA), as a real path. */
  readonly folder: string;
  /** Owner of the files and user of the server; null: our own user. */
  readonly user: PostgresUser | null;
  /** Password of the superuser `CLUSTER_OWNER`. */
  readonly password: string;
  /** Releases the lock. */
  release(): void;
}

export interface ClusterInput {
  readonly data_dir: string;
  readonly binaries: PostgresBinaries;
  /** Owner of a new cluster; null: our own user. */
  readonly user: PostgresUser | null;
  /** True if a new cluster must be on disk before it counts as complete. */
  readonly sync: boolean;
  readonly log: Log;
}

/**
 * Opens the cluster of a data directory. It creates the cluster on the first start, and stops a server that a killed
 * process left running. The cluster is `<data_dir>/postgres`; if its user cannot enter that folder, this is a link to a
 * folder below `SHARED_FOLDER`. The password is in `<data_dir>/postgres.password`, which only our user can read.
 * @throws StartupError if another process holds it, its version or owner differs, or it cannot be created
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
    // A copy of a data directory that was created outside contains a link to the same cluster.
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
      `The database is missing: ${place} is a link to a folder that no longer exists. ` +
        `Restore that folder, or remove ${dirname(place)} to start with an empty database.`,
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
    `PostgreSQL does not run as root, and its own user can use neither the data directory (${obstacle}) nor ` +
      `${home} (${why}). Set ONEVAULT_DATA_DIR to a folder that every user can enter, or DATABASE_URL to your own PostgreSQL.`,
  );

/** Keeps a cluster whose data directory was removed, although nothing refers to it any more. */
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
          `Restore ${path}, or remove ${dirname(path)} to start with an empty database.`,
        { cause: error },
      );
    },
  );

/** If we are root, the server runs as the cluster's owner, who may differ from the owner of a new cluster. */
const ownerOf = (folder: string): PostgresUser | null => {
  const { uid, gid } = statSync(folder);
  return isSuperuser() ? { uid, gid } : null;
};

const checkCluster = async (binaries: PostgresBinaries, folder: string, user: PostgresUser | null): Promise<void> => {
  const owner = statSync(folder).uid;
  const self = process.getuid?.() ?? owner;
  if (owner !== self && self !== 0) {
    throw new StartupError(
      `The database ${folder} belongs to the user with id ${owner}, but this process runs as ${self}: ` +
        'start as its owner, or set ONEVAULT_DATA_DIR to another folder.',
    );
  }
  if (user?.uid === 0) {
    throw new StartupError(
      `The database ${folder} belongs to root, but PostgreSQL does not run as root: change it back to its former owner (chown -R).`,
    );
  }
  const obstacle = await findObstacle(folder, binaries, user);
  if (obstacle !== null) {
    throw new StartupError(
      `The owner of the database ${folder} (id ${owner}) cannot enter it: allow every user to enter the folders above it (chmod o+x). ${obstacle}`,
    );
  }
  const major = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => 'no known version')).trim();
  if (major !== binaries.major) {
    throw new StartupError(
      `The database ${folder} is of PostgreSQL ${major}, but this is PostgreSQL ${binaries.major}: ` +
        'move its data with pg_dump, or set ONEVAULT_DATA_DIR to another folder.',
    );
  }
};
