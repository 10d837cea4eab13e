import type { Sql } from '../postgres/connect.ts';
import { type ChangePage, type ChangePosition, inOrder, type PositionedRow, positionedRows } from './change-page.ts';
import type { Entity } from './entity.ts';
import type { JournalFamily } from './journal-family.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

const PREPARED = { prepare: true };

interface JournalBatch {
  readonly last_sequence: number;
  readonly first_load_date: string | null;
  readonly last_load_date: string | null;
}

export interface JournalTables {
  readonly family: JournalFamily;
  readonly entities: readonly Entity[];
}

/** Rows that the journal's loader has added since a position, writer by writer. */
export const readJournal = async (
  sql: Sql | Transaction,
  tables: JournalTables,
  position: ChangePosition,
  limit: number,
): Promise<ChangePage> => {
  const rows: VaultRow[] = [];
  const writers: Record<string, number> = { ...position.writers };
  let left = Math.max(1, Math.floor(limit / tables.entities.length));
  for (const writer of await listWriters(sql)) {
    for (;;) {
      const after = writers[writer] ?? 0;
      const batch = await nextBatch(sql, writer, after);
      if (batch === undefined) break;
      if (left === 0) return { rows, position: { ...position, writers }, has_more: true };
      const range = { writer, after, ...batch };
      const found = await Promise.all(
        tables.entities.map((entity) => readBatch(sql, tables.family, entity, range, left)),
      );
      const reached = await reachedSequence(sql, tables.family, range, left);
      rows.push(...inOrder(found.flat()));
      writers[writer] = reached.sequence;
      left -= reached.records;
    }
  }
  return { rows, position: { ...position, writers }, has_more: false };
};

/** By journal writer, the last sequence that is visible now. */
export const readJournalEnd = async (sql: Sql | Transaction): Promise<Record<string, number>> => {
  const ends: Record<string, number> = {};
  for (const writer of await listWriters(sql)) {
    const [last] = await sql<{ last_sequence: number }[]>`
      select last_sequence
      from ops.journal_batch
      where writer = ${writer}
      order by first_sequence desc
      limit 1`;
    if (last !== undefined) ends[writer] = last.last_sequence;
  }
  return ends;
};

/** Every journal writer, with one probe of the index for each. */
const listWriters = async (sql: Sql | Transaction): Promise<string[]> => {
  const rows = await sql<{ writer: string }[]>`
    with recursive known as (
      (select b.writer from ops.journal_batch b order by b.writer limit 1)
      union all
      select (select b.writer from ops.journal_batch b where b.writer > known.writer order by b.writer limit 1)
      from known
      where known.writer is not null
    )
    select writer from known where writer is not null`;
  return rows.map(({ writer }) => writer);
};

/** The batch that holds the sequence after `after`: a writer's batches commit in order and leave no gap. */
const nextBatch = async (sql: Sql | Transaction, writer: string, after: number): Promise<JournalBatch | undefined> => {
  const [batch] = await sql<JournalBatch[]>`
    select last_sequence, first_load_date, last_load_date
    from ops.journal_batch
    where writer = ${writer}
      and first_sequence <= ${after + 1}
    order by first_sequence desc
    limit 1`;
  return batch === undefined || batch.last_sequence <= after ? undefined : batch;
};

interface JournalRange extends JournalBatch {
  readonly writer: string;
  readonly after: number;
}

// A batch's dates lead to its rows, because the keys of journal tables begin with load_date.
const recordsText = ({ satellite, hub }: JournalFamily): string => `
  select ${hub.hash_key}, load_date, journal_sequence
  from ${satellite.name}
  where journal_writer = $1::text::uuid
    and journal_sequence > $2::text::bigint
    and journal_sequence <= $3::text::bigint
    and load_date between $4::text::timestamptz and $5::text::timestamptz
  order by journal_sequence
  limit $6::text::bigint`;

const rangeParameters = (range: JournalRange, limit: number): (string | null)[] => [
  range.writer,
  String(range.after),
  String(range.last_sequence),
  range.first_load_date,
  range.last_load_date,
  String(limit),
];

const readBatch = async (
  sql: Sql | Transaction,
  family: JournalFamily,
  entity: Entity,
  range: JournalRange,
  limit: number,
): Promise<PositionedRow[]> => {
  const { hash_key } = family.hub;
  const found = await sql.unsafe<Record<string, unknown>[]>(
    `with record as materialized (${recordsText(family)})
     select record.journal_sequence as feed_major, 0 as feed_minor,
       ${entity.columns.map(({ name }) => `t.${name}`).join(', ')}
     from record
     join ${entity.name} t on t.${hash_key} = record.${hash_key} and t.load_date = record.load_date
     where t.load_date between $4::text::timestamptz and $5::text::timestamptz`,
    rangeParameters(range, limit),
    PREPARED,
  );
  return positionedRows(entity.table, found);
};

/** The last sequence within `limit` records, and their number. */
const reachedSequence = async (
  sql: Sql | Transaction,
  family: JournalFamily,
  range: JournalRange,
  limit: number,
): Promise<{ sequence: number; records: number }> => {
  const [row] = await sql.unsafe<[{ sequence: number | null; records: number }]>(
    `select max(journal_sequence) as sequence, count(*) as records from (${recordsText(family)}) record`,
    rangeParameters(range, limit),
    PREPARED,
  );
  const { sequence, records } = row!;
  return { records, sequence: records < limit ? range.last_sequence : sequence! };
};
