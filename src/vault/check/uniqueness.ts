import type { Sql } from '../../postgres/connect.ts';
import type { Entity } from '../entity.ts';
import { journalFamily } from '../journal-family.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { type Check, NAMED_FAULTS, type Outcome } from './check.ts';
import { type Leaf, listLeaves, primaryKeyColumns, rowText } from './leaves.ts';

/** No key exists twice: primary keys, and over all partitions the keys of records of the journal. */
export const uniqueness: Check = {
  name: 'uniqueness',
  counted: 'rows',
  units: async ({ sql, registry }) => {
    const family = journalFamily(registry);
    const leaves = await listLeaves(sql, registry.entities.values());
    const of_table = Map.groupBy(leaves, ({ entity }) => entity);
    return [...of_table].map(([entity, parts]) => ({
      label: entity.name,
      weight: 3 * parts.reduce((pages, leaf) => pages + leaf.pages, 0),
      run: (sql) =>
        checkKeys(sql, entity, family?.tables.has(entity.table) ? [entity.hash_key] : entity.primary_key, parts),
    }));
  },
};

const checkKeys = (
  sql: Sql | Transaction,
  entity: Entity,
  key: readonly string[],
  parts: readonly Leaf[],
): Promise<Outcome> =>
  inTransaction(sql, async (tx) => {
    // A damaged index would hide a row, so the check reads the tables themselves.
    await tx`set local enable_indexscan = off`;
    await tx`set local enable_indexonlyscan = off`;
    await tx`set local enable_bitmapscan = off`;
    const columns = key.join(', ');
    const [counts] = await tx.unsafe<[{ checked: number; faults: number }]>(
      `select coalesce(sum(k.size), 0)::bigint as checked, count(*) filter (where k.size > 1) as faults
       from (select count(*) as size from ${entity.name} group by ${columns}) k`,
    );
    const { checked, faults } = counts!;
    if (faults === 0) return { checked, faults, first: [] };
    const named = primaryKeyColumns(entity).filter(({ name }) => key.includes(name));
    const rows = await tx.unsafe<{ row: string; size: number }[]>(
      `select ${rowText(named, 'k')} as row, k.size
       from (select ${columns}, count(*) as size from ${entity.name} group by ${columns} having count(*) > 1) k
       limit ${NAMED_FAULTS}`,
    );
    const where = parts.length > 1 ? `, in ${parts.length} partitions` : '';
    return {
      checked,
      faults,
      first: rows.map(({ row, size }) => `${entity.name} ${row}: ${size} rows${where}`),
    };
  });
