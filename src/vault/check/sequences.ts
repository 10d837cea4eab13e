import type { Sql } from '../../postgres/connect.ts';
import type { Entity } from '../entity.ts';
import { type JournalFamily, journalFamily } from '../journal-family.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, NAMED_FAULTS, type Outcome, outcomeOf } from './check.ts';
import { type Leaf, listLeaves, primaryKeyColumns, rowText } from './leaves.ts';

/** Every number of a journal writer has a record, and no number has two. */
export const sequences: Check = {
  name: 'sequences',
  counted: 'batches and records',
  units: async ({ sql, registry }) => {
    const family = journalFamily(registry);
    const batches = { label: 'ops.journal_batch', weight: 1, run: checkBatches };
    if (family === null) return [batches];
    const leaves = await listLeaves(sql, [family.satellite]);
    const pages = leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
    return [
      batches,
      ...leaves.map((leaf) => ({
        label: leaf.name,
        weight: 2 * leaf.pages,
        run: (sql: Sql | Transaction) => checkRecords(sql, leaf),
      })),
      {
        label: family.satellite.name,
        weight: 3 * pages,
        run: (sql: Sql | Transaction) => checkNumbers(sql, family),
      },
    ];
  },
};

const checkBatches = async (sql: Sql | Transaction): Promise<Outcome> => {
  const [counts] = await sql<[{ batches: number }]>`select count(*) as batches from ops.journal_batch`;
  const gaps = await sql<{ writer: string; first_sequence: number; expected: number }[]>`
    select writer, first_sequence, expected
    from (
      select writer, first_sequence,
        1 + coalesce(lag(last_sequence) over (partition by writer order by first_sequence), 0) as expected
      from ops.journal_batch) b
    where first_sequence <> expected
    order by writer, first_sequence`;
  const sums = await sql<{ writer: string; first_sequence: number; last_sequence: number; record_count: number }[]>`
    select writer, first_sequence, last_sequence, record_count
    from ops.journal_batch
    where record_count <> last_sequence - first_sequence + 1
    order by writer, first_sequence`;
  const faults = [
    ...gaps.map(({ writer, first_sequence, expected }) =>
      first_sequence > expected
        ? `journal writer ${writer}: the records ${expected} to ${first_sequence - 1} are missing`
        : `journal writer ${writer}: the records ${first_sequence} to ${expected - 1} were taken in twice`,
    ),
    ...sums.map(
      ({ writer, first_sequence, last_sequence, record_count }) =>
        `journal writer ${writer}: the batch ${first_sequence} to ${last_sequence} counts ${record_count} records`,
    ),
  ];
  return outcomeOf(counts!.batches, faults);
};

/** Each record lies in a batch of its writer, within the batch's dates, and its intent precedes it. */
const checkRecords = async (sql: Sql | Transaction, { entity, name }: Leaf): Promise<Outcome> => {
  const source = `
    from only ${name} t
    left join lateral (
      select b.*
      from ops.journal_batch b
      where b.writer = t.journal_writer and b.first_sequence <= t.journal_sequence
      order by b.first_sequence desc
      limit 1) batch on true
    where t.load_date <> timestamptz '1900-01-01 00:00:00+00'`;
  const wrong = `(
    t.journal_sequence <= batch.last_sequence
    and t.request_timestamp between batch.first_instant and batch.last_instant
    and t.load_date between batch.first_load_date and batch.last_load_date
    and coalesce(t.intent_sequence between 1 and t.journal_sequence - 1, true)) is not true`;
  const [counts] = await sql.unsafe<[{ checked: number; faults: number }]>(
    `select count(*) as checked, count(*) filter (where ${wrong}) as faults ${source}`,
  );
  const { checked, faults } = counts!;
  if (faults === 0) return { checked, faults, first: [] };
  const rows = await sql.unsafe<Numbered[]>(
    `select ${rowText(primaryKeyColumns(entity), 't')} as row, t.journal_writer, t.journal_sequence
     ${source} and ${wrong} limit ${NAMED_FAULTS}`,
  );
  return {
    checked,
    faults,
    first: rows.map((row) => `${nameOf(entity, row)}: no batch of the writer took it in as it stands there`),
  };
};

interface Numbered {
  readonly row: string;
  readonly journal_writer: string;
  readonly journal_sequence: number;
}

const nameOf = ({ name }: Entity, { row, journal_writer, journal_sequence }: Numbered): string =>
  `${name} ${row} (journal writer ${journal_writer}, record ${journal_sequence})`;

/** A number belongs to one record: an outcome's own, or that of its intent. */
const checkNumbers = async (sql: Sql | Transaction, { satellite }: JournalFamily): Promise<Outcome> => {
  const rows = await sql.unsafe<{ journal_writer: string; sequence: number; times: number; faults: number }[]>(
    `select *, count(*) over () as faults
     from (
       select journal_writer, sequence, count(*) as times
       from (
         select journal_writer, unnest(array[journal_sequence, intent_sequence]) as sequence
         from ${satellite.name}
         where load_date <> timestamptz '1900-01-01 00:00:00+00') numbered
       where sequence is not null
       group by journal_writer, sequence
       having count(*) > 1) repeated
     limit ${NAMED_FAULTS}`,
  );
  return {
    checked: 0,
    faults: rows[0]?.faults ?? 0,
    first: rows.map(
      ({ journal_writer, sequence, times }) =>
        `journal writer ${journal_writer}: ${times} calls claim the record ${sequence}`,
    ),
  };
};
