import type { Sql } from '../../postgres/connect.ts';
import { type Entity, GHOST_KEY } from '../entity.ts';
import { type JournalFamily, journalFamily } from '../journal-family.ts';
import type { Registry } from '../registry.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, NAMED_FAULTS, type Outcome, type Unit } from './check.ts';
import { type Leaf, listLeaves, primaryKeyColumns, rowText } from './leaves.ts';

/** Every link has its hubs, and every satellite its parent. */
export const orphans: Check = {
  name: 'orphans',
  counted: 'references',
  units: async ({ sql, registry }) => {
    const family = journalFamily(registry);
    const leaves = await listLeaves(sql, registry.entities.values());
    return leaves.flatMap((leaf) => unitsOf(registry, family, leaf));
  },
};

interface Reference {
  /** The referring column. */
  readonly column: string;
  readonly to: Entity;
}

const referencesOf = (registry: Registry, entity: Entity): Reference[] => {
  if (entity.kind === 'satellite') return [{ column: entity.hash_key, to: registry.entities.get(entity.parent)! }];
  if (entity.kind === 'link') return entity.hubs.map(({ table, column }) => ({ column, to: registry.hub(table) }));
  return [];
};

const unitsOf = (registry: Registry, family: JournalFamily | null, leaf: Leaf): Unit[] =>
  referencesOf(registry, leaf.entity).map((reference) => ({
    label: `${leaf.name} → ${reference.to.name}`,
    weight: leaf.pages,
    run: (sql) => checkReference(sql, leaf, reference, family),
  }));

const checkReference = async (
  sql: Sql | Transaction,
  { entity, name, from, to: until }: Leaf,
  { column, to }: Reference,
  family: JournalFamily | null,
): Promise<Outcome> => {
  const conditions = [`p.${to.hash_key} = t.${column}`];
  // The rows of one record have one load_date: the parent is in the same day's partition.
  if (family?.tables.has(entity.table) && family.tables.has(to.table)) {
    conditions.push('p.load_date = t.load_date');
    if (from !== null) conditions.push(`p.load_date >= timestamptz '${from}'`);
    if (until !== null) conditions.push(`p.load_date < timestamptz '${until}'`);
  }
  // Links have no ghost record, so the ghost record of their satellites has no parent.
  const is_meant = to.kind === 'link' ? `t.${column} <> decode('${GHOST_KEY}', 'hex') and ` : '';
  const missing = `${is_meant}not exists (select from ${to.name} p where ${conditions.join(' and ')})`;
  const [counts] = await sql.unsafe<[{ checked: number; faults: number }]>(
    `select (select count(*) from only ${name}) as checked,
       (select count(*) from only ${name} t where ${missing}) as faults`,
  );
  const { checked, faults } = counts!;
  if (faults === 0) return { checked, faults, first: [] };
  const rows = await sql.unsafe<{ row: string; key: string }[]>(
    `select ${rowText(primaryKeyColumns(entity), 't')} as row, encode(t.${column}, 'hex') as key
     from only ${name} t
     where ${missing}
     limit ${NAMED_FAULTS}`,
  );
  return {
    checked,
    faults,
    first: rows.map(({ row, key }) => `${entity.name} ${row}: ${to.name} has no ${column} ${key}`),
  };
};
