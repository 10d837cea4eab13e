import type { Actor } from '../audit/event.ts';
import { createEventRecorder } from '../audit/record-event.ts';
import { systemClock } from '../core/clock.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import { migrationNames } from '../postgres/migrate.ts';
import { changesOf, type Difference, differencesBetween } from '../vault/definitions/differences.ts';
import { type Definitions, readDefinitions } from '../vault/definitions/read-definitions.ts';
import { RECORD_ACTION, type Recorded, readRecorded } from '../vault/definitions/recorded.ts';
import { loadRegistry } from '../vault/registry.ts';
import { PROJECT } from './paths.ts';
import { createVaultAccess } from './vault-access.ts';

const LOCK = 'onevault definitions';
const ACTOR = { actor_kind: 'system', actor: 'migration' } as const;
const NONE: Definitions = new Map();

/**
 * Migrates a database, and records in the audit log which definitions that changed. Only the difference from before the
 * migrations to after them is recorded, so that what somebody changed by hand stays a fault. Starts wait for each other.
 * @param migrate makes the newest schema
 * @returns the names of the migrations that ran
 */
export const migrateRecorded = async (url: string, migrate: () => Promise<string[]>): Promise<string[]> => {
  const sql = connect(url, { max_connections: 2, statement_timeout_ms: 0 });
  try {
    const recorded = await readRecordedIfAny(sql);
    if (recorded !== null && isSame(recorded.migrations, await migrationNames())) return await migrate();
    return await withLock(sql, async () => {
      const changes = await migrateAndCompare(sql, migrate);
      if (changes.differences.length > 0) await recordDefinitions(sql, ACTOR, changes.differences);
      return changes.migrations;
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
};

const migrateAndCompare = async (sql: Sql, migrate: () => Promise<string[]>) => {
  const recorded = await readRecordedIfAny(sql);
  const is_interrupted = recorded !== null && !isSame(recorded.migrations, await ranMigrations(sql));
  const before = recorded === null ? NONE : is_interrupted ? recorded.definitions : await read(sql);
  const migrations = await migrate();
  return { migrations, differences: differencesBetween(before, await read(sql)) };
};

/**
 * Writes the audit event that makes differences the recorded state.
 * @param reason the stated reason to accept what no migration made
 */
export const recordDefinitions = async (
  sql: Sql,
  actor: Actor,
  differences: readonly Difference[],
  reason: string | null = null,
): Promise<void> => {
  const vault = createVaultAccess({ sql, clock: systemClock, registry: loadRegistry(PROJECT.entities) });
  await createEventRecorder(
    vault,
    actor.actor,
  )({
    ...actor,
    action: RECORD_ACTION,
    subject_kind: 'schema',
    outcome: 'succeeded',
    reason,
    before: { definitions: changesOf(differences, 'before') },
    after: { definitions: changesOf(differences, 'after'), migrations: await ranMigrations(sql) },
  });
};

const withLock = async <T>(sql: Sql, work: () => Promise<T>): Promise<T> => {
  const session = await sql.reserve();
  try {
    await session`select pg_advisory_lock(hashtextextended(${LOCK}, 0))`;
    const result = await work();
    await session`select pg_advisory_unlock(hashtextextended(${LOCK}, 0))`;
    return result;
  } finally {
    session.release();
  }
};

const read = (sql: Sql): Promise<Definitions> => sql.begin('read only', readDefinitions) as Promise<Definitions>;

const readRecordedIfAny = async (sql: Sql): Promise<Recorded | null> => {
  const [log] = await sql<{ is_there: boolean }[]>`select to_regclass('audit.audit_event_s') is not null as is_there`;
  return log!.is_there ? readRecorded(sql) : null;
};

const ranMigrations = async (sql: Sql): Promise<string[]> =>
  (await sql<{ name: string }[]>`select name from public.knex_migrations order by name`).map(({ name }) => name);

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).isSubsetOf(new Set(b));
