import type { Sql } from '../postgres/connect.ts';
import { listLeaves, primaryKeyColumns, rowText, type Leaf as TablePart } from '../vault/check/leaves.ts';
import { type Entity, GHOST_KEY } from '../vault/entity.ts';
import { type JournalFamily, journalFamily } from '../vault/journal-family.ts';
import type { Registry } from '../vault/registry.ts';
import type { Transaction } from '../vault/transaction.ts';
import { isGhost } from './ghost-rows.ts';

/** A row of the vault that no leaf of the log covers. */
export interface UncoveredRow {
  readonly table: string;
  /** Its primary key, as `tenant_hk=00ab… load_date=…`. */
  readonly key: string;
}

const ROWS_AT_ONCE = 1_000;

/**
 * The rows of the vault that no leaf covers, queued leaves included, some at a time: calls whose record is in no batch
 * of leaves, what no call of the vault belongs to, and other rows that are in no change with leaves; ghost records that
 * are not as they were made. One statement a table or partition, bounded in memory here.
 */
export async function* uncoveredRows(
  sql: Sql | Transaction,
  registry: Registry,
): AsyncGenerator<readonly UncoveredRow[]> {
  const family = journalFamily(registry);
  for (const part of await listLeaves(sql, registry.entities.values())) {
    const { entity } = part;
    const text = `
      select ${rowText(primaryKeyColumns(entity), 't')} as key
      from only ${part.name} t
      where (t.${entity.hash_key} <> decode('${GHOST_KEY}', 'hex') or not ${isGhost(entity, 't')})
        and not exists (${coverOf(family, part)})`;
    for await (const rows of sql.unsafe<{ key: string }[]>(text).cursor(ROWS_AT_ONCE)) {
      yield rows.map(({ key }) => ({ table: entity.table, key }));
    }
  }
}

const coverOf = (family: JournalFamily | null, part: TablePart): string => {
  const { entity } = part;
  if (family === null || !family.tables.has(entity.table)) return changeOf(entity);
  return entity === family.satellite ? leafOfRecord(part) : recordOf(family, part);
};

const instantOr = (bound: string | null, open: string): string => `timestamptz '${bound ?? open}'`;

/** The leaves of the batches whose days meet those of the partition. */
const leafOfRecord = ({ from, to }: TablePart): string => `
  select
  from (
    select b.journal_writer, b.first_sequence + place as sequence
    from audit.leaf_batch b
    join ops.journal_batch j on j.writer = b.journal_writer and j.first_sequence = b.first_sequence
    cross join lateral unnest(b.sequences) as place
    where j.last_load_date >= ${instantOr(from, '-infinity')}
      and j.first_load_date < ${instantOr(to, 'infinity')}) leaf
  where leaf.journal_writer = t.journal_writer and leaf.sequence = t.journal_sequence`;

const recordOf = ({ satellite, hub }: JournalFamily, { from, to }: TablePart): string => `
  select
  from ${satellite.name} s
  where s.load_date = t.load_date
    and s.${hub.hash_key} = t.${hub.hash_key}
    and s.load_date >= ${instantOr(from, '-infinity')}
    and s.load_date < ${instantOr(to, 'infinity')}`;

const TIMES = ['applied_date', 'load_date', 'hash_diff'];

const changeOf = ({ table, hash_key, kind, primary_key }: Entity): string => {
  const others = primary_key.filter((name) => name !== hash_key && !TIMES.includes(name));
  const slices = ['hash_keys', 'applied_dates', 'load_dates', 'hash_diffs', 'others'].map(
    (column) => `c.${column}[1:b.leaf_count]`,
  );
  return `
  select
  from ops.load_change c
  join audit.leaf_batch b on b.change_id = c.change_id
  cross join lateral unnest(${slices.join(', ')}) as k (hash_key, applied_date, load_date, hash_diff, other)
  where c.table_name = '${table}'
    and ${[
      `k.hash_key = t.${hash_key}`,
      ...(kind === 'satellite' ? TIMES.map((name) => `k.${name} = t.${name}`) : []),
      ...(others.length === 0 ? [] : [`k.other = row(${others.map((name) => `t.${name}`).join(', ')})::text`]),
    ].join(' and ')}`;
};
