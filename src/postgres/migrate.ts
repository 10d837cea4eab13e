import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import knex, { type Knex } from 'knex';

const folder = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

// One connection holds the lock while the others do the work.
const MAX_CONNECTIONS = 3;

/**
 * Migrates the database at `database_url` (`postgres://…`) to the newest schema. Each migration runs once, in order,
 * forward only. Two concurrent starts run one after the other.
 * @returns the names of the migrations that ran; empty if the schema was up to date
 */
export const migrate = (database_url: string): Promise<string[]> =>
  withMigrationLock(database_url, async (database) => {
    // Only we hold the advisory lock, so a lock in knex's own table belongs to a dead process.
    await database.migrate.forceFreeMigrationsLock(MIGRATIONS);
    const [, names] = (await database.migrate.latest(MIGRATIONS)) as [number, string[]];
    return names;
  });

/**
 * Writes the reference data into a migrated database. A second run adds nothing.
 * @returns the names of the seed files that ran
 */
export const seed = (database_url: string): Promise<string[]> =>
  withMigrationLock(database_url, async (database) => {
    const [paths] = (await database.seed.run(SEEDS)) as [string[]];
    return paths;
  });

// `.ts` in a checkout, `.js` in a package.
const EXTENSION = extname(fileURLToPath(import.meta.url));

const nameOf = (file: string): string => `${basename(file, EXTENSION)}.ts`;

/** The names of all migrations of this version, in order, as a database records them. */
export const migrationNames = async (): Promise<string[]> => (await MIGRATION_SOURCE.getMigrations([])).map(nameOf);

// A database that a checkout made must be known to a package: both record `0001-hashing.ts`.
const MIGRATION_SOURCE: Knex.MigrationSource<string> = {
  getMigrations: async () => (await readdir(folder('migrations'))).filter((file) => extname(file) === EXTENSION).sort(),
  getMigrationName: (file) => nameOf(file),
  getMigration: (file) => import(pathToFileURL(join(folder('migrations'), file)).href),
};
const MIGRATIONS: Knex.MigratorConfig = { migrationSource: MIGRATION_SOURCE };
const SEEDS: Knex.SeederConfig = { directory: folder('seeds'), loadExtensions: [EXTENSION] };

/** Runs `work` under the advisory lock of all starts, and closes every connection afterwards. */
const withMigrationLock = async <T>(database_url: string, work: (database: Knex) => Promise<T>): Promise<T> => {
  const database = knex({
    client: 'pg',
    connection: { connectionString: database_url, application_name: 'onevault migrate' },
    pool: { min: 0, max: MAX_CONNECTIONS },
    // All errors are thrown; knex would also print them to the console.
    log: { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} },
  });
  try {
    return await database.transaction(async (transaction) => {
      await transaction.raw(`select pg_advisory_xact_lock(hashtextextended('onevault migrations', 0))`);
      return await work(database);
    });
  } finally {
    await database.destroy();
  }
};
