import type { TransactionSql } from 'postgres';
import type { IndexConfig, Model } from '../project/types.ts';
import { buildName, quoted, quoteName, type Relation } from '../relations.ts';
import { clearPlace } from './dependents.ts';
import { type Existing, writableColumns } from './existing.ts';

/** Input of a materialization, which happens wholly in the transaction `sql`, under the lock of the relation. */
interface MaterializeInput {
  readonly sql: TransactionSql;
  readonly model: Model;
  readonly relation: Relation;
  readonly existing: Existing | null;
  readonly compiled_sql: string;
  /** True if an incremental model adds to the existing table; otherwise it builds the table anew. */
  readonly is_incremental: boolean;
}

/** Builds a model. @returns the rows written; null for a view */
export const materialize = (input: MaterializeInput): Promise<number | null> => {
  const { materialized } = input.model.config;
  switch (materialized) {
    case 'view':
      return materializeView(input);
    case 'table':
      return materializeTable(input);
    case 'incremental':
      return input.is_incremental ? materializeIncrement(input) : materializeTable(input);
    case 'ephemeral':
      throw new Error('an ephemeral model is part of those that read it: nothing is built');
    default:
      return materialized satisfies never;
  }
};

/**
 * Builds a table under another name and gives it its own at the end, so readers wait for no more than the rename
 * and see the old rows or the new ones. Gives the rows written.
 */
const materializeTable = async ({
  sql,
  model,
  relation,
  existing,
  compiled_sql,
}: MaterializeInput): Promise<number> => {
  const built: Relation = { schema: relation.schema, identifier: buildName(relation.identifier) };
  const { count } = await sql.unsafe(`create table ${quoted(built)} as (\n${compiled_sql}\n)`);
  for (const index of model.config.indexes) await sql.unsafe(createIndex(built, index));
  // Without statistics the models that read it next would be planned for an unknown table.
  await sql.unsafe(`analyze ${quoted(built)}`);
  const putBack = await clearPlace(sql, relation, existing);
  await sql.unsafe(`alter table ${quoted(built)} rename to ${quoteName(relation.identifier)}`);
  await putBack();
  return count;
};

const createIndex = (table: Relation, { columns, unique, type }: IndexConfig): string =>
  `create ${unique === true ? 'unique ' : ''}index on ${quoted(table)} using ${type ?? 'btree'} (${columns.map(quoteName).join(', ')})`;

// PostgreSQL replaces a view in place only while its columns keep name, type and order.
const COLUMNS_CHANGED = '42P16';

/** Builds a view: in place where PostgreSQL can, else by dropping what stands there in the same transaction. */
const materializeView = async ({ sql, relation, existing, compiled_sql }: MaterializeInput): Promise<null> => {
  const create = `view ${quoted(relation)} as (\n${compiled_sql}\n)`;
  if (existing?.kind === 'view') {
    try {
      await sql.savepoint((inner) => inner.unsafe(`create or replace ${create}`));
      return null;
    } catch (error) {
      if ((error as { code?: string }).code !== COLUMNS_CHANGED) throw error;
    }
  }
  const putBack = await clearPlace(sql, relation, existing);
  await sql.unsafe(`create ${create}`);
  await putBack();
  return null;
};

/**
 * Adds a model's new rows to its table. With `delete+insert`, rows of the same unique key go first; a key with a
 * null in it equals nothing, as in dbt. Columns that the table does not have are left out (dbt's
 * `on_schema_change: ignore`). Gives the rows inserted.
 */
const materializeIncrement = async ({ sql, model, relation, compiled_sql }: MaterializeInput): Promise<number> => {
  const target = quoted(relation);
  const fresh = quoteName(buildName(relation.identifier));
  const { unique_key, incremental_strategy } = model.config;
  await sql.unsafe(`create temporary table ${fresh} on commit drop as (\n${compiled_sql}\n)`);
  await sql.unsafe(`analyze pg_temp.${fresh}`);
  if (incremental_strategy === 'delete+insert' && unique_key.length > 0) {
    const same = unique_key.map((key) => `old.${keyName(key)} = fresh.${keyName(key)}`).join(' and ');
    await sql.unsafe(`delete from ${target} as old using pg_temp.${fresh} as fresh where ${same}`);
  }
  const columns = (await writableColumns(sql, relation)).map(quoteName).join(', ');
  const { count } = await sql.unsafe(`insert into ${target} (${columns}) select ${columns} from pg_temp.${fresh}`);
  return count;
};

/** A key column as SQL reads it: dbt writes it bare, so PostgreSQL folds it to lower case unless it is quoted. */
const keyName = (key: string): string => (key.startsWith('"') ? key : quoteName(key.toLowerCase()));
