import type { Sql } from '../postgres/connect.ts';
import { COLUMN_TYPES, type Entity } from '../vault/entity.ts';
import { ENCODERS, hashHub } from '../vault/hash.ts';
import { type JournalFamily, journalFamily } from '../vault/journal-family.ts';
import { loadDatesText } from '../vault/load-dates.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';

/** Place of a leaf. */
export interface FoundLeaf {
  readonly leaf_batch_id: number;
  /** Number of leaves before it in the batch. */
  readonly offset: number;
  /** Index of the batch's first leaf in the tree: the leaf's index is `first_index + offset`; null while it is queued. */
  readonly first_index: number | null;
  /** Lower-case hex. */
  readonly leaf_hash: string;
}

/**
 * The leaf of a call.
 * @param request_id the business key of its hub; where it is a UUIDv7, its time is looked at first
 * @returns null when the vault has no such call, or no leaf of it
 */
export const findLeaf = async (
  sql: Sql | Transaction,
  registry: Registry,
  { request_id }: { readonly request_id: string },
): Promise<FoundLeaf | null> => {
  const family = journalFamily(registry);
  if (family === null) return null;
  const { table, business_key } = family.hub;
  const [{ type, name }] = business_key as [(typeof business_key)[number]];
  const hash_key = hashHub(table, ENCODERS[type](request_id, name));
  for (const period of periodsOf(request_id)) {
    const found = await findCall(sql, family, hash_key, period);
    if (found !== null) return found;
  }
  return null;
};

/**
 * The leaf of a row.
 * @param row with its hash key, load_date and the other columns of its primary key; the row itself may be missing
 * @returns null without one
 * @throws RangeError when the vault has no such table
 */
export const findRowLeaf = async (
  sql: Sql | Transaction,
  registry: Registry,
  { table, values }: VaultRow,
): Promise<FoundLeaf | null> => {
  const entity = registry.entities.get(table);
  if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
  const family = journalFamily(registry);
  if (family?.tables.has(table) !== true) return findChanged(sql, entity, values);
  const load_date = String(values.load_date);
  return findCall(sql, family, String(values[family.hub.hash_key]), { from: load_date, to: load_date });
};

interface Period {
  readonly from: string;
  readonly to: string;
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7/;
// A longer period costs a longer search. Most calls take seconds, few take minutes, and clocks differ little.
const PERIODS_MS = [
  { before: 5_000, after: 60_000 },
  { before: 60_000, after: 300_000 },
  { before: 3_600_000, after: 7_200_000 },
  { before: 86_400_000, after: 86_400_000 },
] as const;
// The end of the years that both PostgreSQL and Date write with four digits, less a day.
const LAST_MS = 253_402_214_400_000;

/** Periods in which a call with this id may have been recorded, the likeliest first; null: any time. */
const periodsOf = (request_id: string): (Period | null)[] => {
  const [, high, low] = UUID_V7.exec(request_id) ?? [];
  const begun_ms = Number.parseInt(`${high}${low}`, 16);
  if (high === undefined || begun_ms >= LAST_MS) return [null];
  const at = (ms: number): string => new Date(Math.max(0, ms)).toISOString();
  return [...PERIODS_MS.map(({ before, after }) => ({ from: at(begun_ms - before), to: at(begun_ms + after) })), null];
};

const PREPARED = { prepare: true };
const FOUND = `batch.leaf_batch_id, place.leaf_offset::integer as "offset", tree.first_index,
  encode(substring(batch.leaf_hashes from (32 * place.leaf_offset + 1)::integer for 32), 'hex') as leaf_hash`;

const findCall = async (
  sql: Sql | Transaction,
  { satellite, hub }: JournalFamily,
  hash_key: string,
  period: Period | null,
): Promise<FoundLeaf | null> => {
  const key = `decode($1::text, 'hex')`;
  const at_its_time =
    period === null
      ? `load_date in (${loadDatesText(satellite, key)})`
      : 'load_date between $2::text::timestamptz and $3::text::timestamptz';
  // Planned anew for each period, and without a limit: either would have a whole day read in the order of time.
  const [found] = await sql.unsafe<FoundLeaf[]>(
    `with s as materialized (
       select journal_writer, journal_sequence, load_date
       from ${satellite.name}
       where ${hub.hash_key} = ${key}
         and ${at_its_time})
     select ${FOUND}
     from s
     cross join lateral (
       select *
       from audit.leaf_batch b
       where b.journal_writer = s.journal_writer and b.first_sequence <= s.journal_sequence
       order by b.first_sequence desc
       limit 1) batch
     cross join lateral (
       select array_position(batch.sequences, least(s.journal_sequence - batch.first_sequence, 2147483647)::integer) - 1
         as leaf_offset) place
     left join audit.sequenced tree on tree.leaf_batch_id = batch.leaf_batch_id
     where place.leaf_offset is not null
     order by s.load_date
     limit 1`,
    period === null ? [hash_key] : [hash_key, period.from, period.to],
    { prepare: false },
  );
  return found === undefined ? null : { ...found };
};

const TIMES = ['applied_date', 'load_date', 'hash_diff'];

const findChanged = async (
  sql: Sql | Transaction,
  { table, hash_key, kind, columns, primary_key }: Entity,
  values: VaultRow['values'],
): Promise<FoundLeaf | null> => {
  const others = columns.filter(({ name }) => primary_key.includes(name) && name !== hash_key && !TIMES.includes(name));
  // In the order of the primary key, as recorded inserts write them.
  others.sort((a, b) => primary_key.indexOf(a.name) - primary_key.indexOf(b.name));
  const parameters = [table, String(values[hash_key])];
  const parameter = (name: string): string => `$${parameters.push(String(values[name]))}::text`;
  const conditions =
    kind === 'satellite'
      ? [
          `k.applied_date = ${parameter('applied_date')}::timestamptz`,
          `k.load_date = ${parameter('load_date')}::timestamptz`,
          `k.hash_diff = decode(${parameter('hash_diff')}, 'hex')`,
        ]
      : [];
  if (others.length > 0) {
    const other = others.map(({ name, type }) => `${parameter(name)}::${COLUMN_TYPES[type].postgres}`);
    conditions.push(`k.other = row(${other.join(', ')})::text`);
  }
  const [found] = await sql.unsafe<FoundLeaf[]>(
    `select ${FOUND}
     from ops.load_change c
     cross join lateral unnest(c.hash_keys, c.applied_dates, c.load_dates, c.hash_diffs, c.others) with ordinality
       as k (hash_key, applied_date, load_date, hash_diff, other, row_place)
     join audit.leaf_batch batch on batch.change_id = c.change_id
     cross join lateral (select k.row_place - 1 as leaf_offset) place
     left join audit.sequenced tree on tree.leaf_batch_id = batch.leaf_batch_id
     where c.table_name = $1::text
       and c.hash_keys @> array[decode($2::text, 'hex')]
       and ${[`k.hash_key = decode($2::text, 'hex')`, ...conditions].join(' and ')}
       and place.leaf_offset < batch.leaf_count
     order by batch.leaf_batch_id, place.leaf_offset
     limit 1`,
    parameters,
    PREPARED,
  );
  return found === undefined ? null : { ...found };
};
