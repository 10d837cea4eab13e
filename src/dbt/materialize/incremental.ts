import { buildName, quoted, quoteName } from '../relations.ts';
import { writableColumns } from './existing.ts';
import type { MaterializeInput } from './materialize-input.ts';

/**
 * Adds a model's new rows to its table. With `delete+insert`, rows of the same unique key go first; a key with a
 * null in it equals nothing, as in dbt. Columns that the table does not have are left out (dbt's
 * `on_schema_change: ignore`). Gives the rows inserted.
 */
export const materializeIncrement = async ({
  sql,
  model,
  relation,
  compiled_sql,
}: MaterializeInput): Promise<number> => {
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
