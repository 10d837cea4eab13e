import type { TransactionSql } from 'postgres';
import { quoted, type Relation } from '../relations.ts';

/** The existing relation in the place of a model. */
export interface Existing {
  readonly kind: 'table' | 'view' | 'materialized view';
  readonly relation: Relation;
}

const KINDS: Readonly<Record<string, Existing['kind']>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
};

/** The relation of that name, or null. Throws Error when it is of a kind that must not be replaced (a sequence, …). */
export const findExisting = async (sql: TransactionSql, relation: Relation): Promise<Existing | null> => {
  const [row] = await sql<{ relkind: string }[]>`
    select c.relkind::text as relkind
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${relation.schema}
      and c.relname = ${relation.identifier}`;
  if (row === undefined) return null;
  const kind = KINDS[row.relkind];
  if (kind === undefined) throw new Error(`${quoted(relation)} exists and is neither table nor view: it is left alone`);
  return { kind, relation };
};

/** Drops it; fails when something still depends on it. */
export const dropExisting = async (sql: TransactionSql, { kind, relation }: Existing): Promise<void> => {
  await sql.unsafe(`drop ${kind} ${quoted(relation)} restrict`);
};

/** The columns of a table that can be written, in order. */
export const writableColumns = async (sql: TransactionSql, relation: Relation): Promise<string[]> => {
  const rows = await sql<{ attname: string }[]>`
    select a.attname
    from pg_catalog.pg_attribute a
    where a.attrelid = ${quoted(relation)}::regclass
      and a.attnum > 0
      and not a.attisdropped
      and a.attgenerated = ''
    order by a.attnum`;
  return rows.map(({ attname }) => attname);
};
