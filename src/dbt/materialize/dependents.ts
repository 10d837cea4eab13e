import { setTimeout } from 'node:timers/promises';
import type { TransactionSql } from 'postgres';
import { quoted, type Relation } from '../relations.ts';
import { dropExisting, type Existing } from './existing.ts';
import { lockRelation } from './lock.ts';

/** A view that reads a relation which is being replaced. */
interface Dependent {
  readonly schema: string;
  readonly identifier: string;
  readonly relkind: string;
  readonly definition: string;
  readonly options: string[] | null;
}

// A reader of a table and of views of it takes the same locks, in either order. We must be the one that gives way,
// so each attempt is shorter than PostgreSQL's deadlock_timeout (1 s), after which it would end either of the two;
// and attempts take turns with the order, since against a steady reader one of the two orders never succeeds.
const FIRST_LOCK_TIMEOUT_MS = 50;
const LONGEST_LOCK_TIMEOUT_MS = 800;
const PAUSE_MS = 20;
// By then a reader has held the relation so long that waiting helps no one.
const MAX_WAIT_MS = 300_000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Drops what stands in the place of `relation` and the views that read it, and gives back what puts the views
 * there again. dbt drops them with `cascade`, and they are gone until their own turn; here readers never miss
 * them, because it all happens in one transaction.
 * @throws Error when something else than a plain view depends on it; PostgreSQL's 55P03 when readers never let go
 */
export const clearPlace = async (
  sql: TransactionSql,
  relation: Relation,
  existing: Existing | null,
): Promise<() => Promise<void>> => {
  if (existing === null) return async () => {};
  if ((await findDependents(sql, relation)).length === 0) {
    // One lock alone meets no deadlock: PostgreSQL's own queue is the fairest wait.
    await dropExisting(sql, existing);
    return async () => {};
  }
  const started_ms = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      const { dependents } = await dropAll(sql, existing, attempt);
      return async () => {
        for (const dependent of dependents) await createAgain(sql, dependent);
      };
    } catch (error) {
      const is_over = performance.now() - started_ms > MAX_WAIT_MS;
      if (is_over || (error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      await setTimeout(PAUSE_MS);
    }
  }
};

/** One attempt to drop a relation and its views; when it fails, nothing is dropped and no lock is held. */
const dropAll = (sql: TransactionSql, existing: Existing, attempt: number): Promise<{ dependents: Dependent[] }> =>
  sql.savepoint(async (inner) => {
    const timeout_ms = Math.min(FIRST_LOCK_TIMEOUT_MS * attempt, LONGEST_LOCK_TIMEOUT_MS);
    const [before] = await inner<{ timeout: string }[]>`select current_setting('lock_timeout') as timeout`;
    await inner`select set_config('lock_timeout', ${`${timeout_ms}ms`}, true)`;
    if (attempt % 2 === 1 && existing.kind === 'table') {
      await inner.unsafe(`lock table ${quoted(existing.relation)} in access exclusive mode`);
    }
    const dependents = await dropDependents(inner, existing.relation);
    await dropExisting(inner, existing);
    await inner`select set_config('lock_timeout', ${before!.timeout}, true)`;
    return { dependents };
  });

const dropDependents = async (sql: TransactionSql, relation: Relation): Promise<Dependent[]> => {
  const dependents = await findDependents(sql, relation);
  for (const dependent of dependents) {
    if (dependent.relkind !== 'v') {
      throw new Error(`${quoted(dependent)} depends on ${quoted(relation)} and is not a plain view: drop it first`);
    }
    await lockRelation(sql, dependent);
  }
  for (const dependent of dependents.toReversed()) await sql.unsafe(`drop view ${quoted(dependent)} restrict`);
  return dependents;
};

// Its columns may be gone: then the view is stale, and its own model's turn to make it new.
const STALE = ['42703', '42P01', '42883', '42804', '42846', '42P16'];

const createAgain = async (sql: TransactionSql, dependent: Dependent): Promise<void> => {
  const options = dependent.options === null ? '' : ` with (${dependent.options.join(', ')})`;
  try {
    await sql.savepoint((inner) =>
      inner.unsafe(`create view ${quoted(dependent)}${options} as ${dependent.definition}`),
    );
  } catch (error) {
    if (!STALE.includes((error as { code?: string }).code ?? '')) throw error;
  }
};

/** All that reads `relation` through views, each after what it reads itself. */
const findDependents = (sql: TransactionSql, relation: Relation): Promise<Dependent[]> => sql<Dependent[]>`
  with recursive reads as (
    select distinct r.ev_class as reader, d.refobjid as read
    from pg_catalog.pg_depend d
    join pg_catalog.pg_rewrite r on r.oid = d.objid
    where d.classid = 'pg_rewrite'::regclass
      and d.refclassid = 'pg_class'::regclass
      and r.ev_class <> d.refobjid
  ), found as (
    select reader, 1 as depth
    from reads
    where read = to_regclass(${quoted(relation)})
    union
    select reads.reader, found.depth + 1
    from found
    join reads on reads.read = found.reader
  )
  select
    n.nspname as schema,
    c.relname as identifier,
    c.relkind::text as relkind,
    pg_catalog.pg_get_viewdef(c.oid) as definition,
    c.reloptions as options
  from (select reader, max(depth) as depth from found group by reader) f
  join pg_catalog.pg_class c on c.oid = f.reader
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  order by f.depth, c.oid`;
