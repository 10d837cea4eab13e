import type { IndexConfig } from '../project/types.ts';
import { buildName, quoted, quoteName, type Relation } from '../relations.ts';
import { clearPlace } from './dependents.ts';
import type { MaterializeInput } from './materialize-input.ts';

/**
 * Builds a table under another name and gives it its own at the end, so readers wait for no more than the rename
 * and see the old rows or the new ones. Gives the rows written.
 */
export const materializeTable = async ({
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
