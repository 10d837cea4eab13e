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

// A reader of the table and its views takes the same locks in an order of its own. We must be the one that gives
// way: this is shorter than PostgreSQL's deadlock_timeout (1 s), after which it would end either of the two.
const LOCK_TIMEOUT_MS = 400;
const LOCK_NOT_AVAILABLE = '55P03';
const MAX_ATTEMPTS = 30;
const RETRY_DELAY_MS = 20;

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
  const [before] = await sql<{ lock_timeout: string }[]>`select current_setting('lock_timeout') as lock_timeout`;
  for (let attempt = 1; ; attempt++) {
    try {
      const dropped = await sql.savepoint(async (inner) => {
        await inner`select set_config('lock_timeout', ${`${LOCK_TIMEOUT_MS}ms`}, true)`;
        const dependents = await dropDependents(inner, relation);
        await dropExisting(inner, existing);
        return { dependents };
      });
      await sql`select set_config('lock_timeout', ${before!.lock_timeout}, true)`;
      return async () => {
        for (const dependent of dropped.dependents) await createAgain(sql, dependent);
      };
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || (error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
      await setTimeout(RETRY_DELAY_MS * attempt);
    }
  }
};

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
    await sql.savepoint((inner) => inner.unsafe(`create view ${quoted(dependent)}${options} as ${dependent.definition}`));
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
