import type { TransactionSql } from 'postgres';
import { quoted, type Relation } from '../relations.ts';
import { lockRelation } from './lock.ts';

/** A view that reads a relation which is being replaced. */
interface Dependent {
  readonly schema: string;
  readonly identifier: string;
  readonly relkind: string;
  readonly definition: string;
  readonly options: string[] | null;
}

/**
 * Takes away the views that read `relation`, so that it can be dropped, and gives back what puts them in place
 * again. dbt drops them with `cascade`, and they are gone until their own turn; here readers never miss them.
 * @throws Error when something else than a plain view depends on it
 */
export const takeDependents = async (sql: TransactionSql, relation: Relation): Promise<() => Promise<void>> => {
  const dependents = await findDependents(sql, relation);
  for (const dependent of dependents) {
    if (dependent.relkind !== 'v') {
      throw new Error(`${quoted(dependent)} depends on ${quoted(relation)} and is not a plain view: drop it first`);
    }
    await lockRelation(sql, dependent);
  }
  for (const dependent of dependents.toReversed()) await sql.unsafe(`drop view ${quoted(dependent)} restrict`);
  return async () => {
    for (const dependent of dependents) await putBack(sql, dependent);
  };
};

// Its columns may be gone: then the view is stale, and its own model's turn to make it new.
const STALE = ['42703', '42P01', '42883', '42804', '42846', '42P16'];

const putBack = async (sql: TransactionSql, dependent: Dependent): Promise<void> => {
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
