import type { Sql } from '../core/postgres.ts';
import type { Entity } from './entity.ts';
import { type JournalFamily, journalFamily } from './journal-family.ts';
import type { Registry } from './registry.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

/** Up to where a reader has read: plain JSON, to be kept with what was made of the rows. It belongs to a set of tables. */
export interface ChangePosition {
  /** The last change that was read, and how many of its rows. */
  readonly change: number;
  readonly rows: number;
  /** By journal writer, the last sequence that was read. */
  readonly writers: Readonly<Record<string, number>>;
}

/** Before everything. */
export const FEED_START: ChangePosition = { change: 0, rows: 0, writers: {} };

export interface ChangePage {
  /** In the order in which they became visible; those of the journal in the order of its sequences. */
  readonly rows: readonly VaultRow[];
  /** Where the next page begins. */
  readonly position: ChangePosition;
  /** Whether there was more to read. */
  readonly has_more: boolean;
}

/**
 * Reads what was added to the tables since a position: each row once, however late its transaction committed. Ghost
 * records are no changes.
 * @param limit how many rows at most; at least one a table of the journal
 * @throws RangeError when there is no such table, or one of those that are partitioned is not filled by the journal
 */
export type ReadChanges = (
  sql: Sql | Transaction,
  tables: readonly string[],
  position: ChangePosition,
  limit: number,
) => Promise<ChangePage>;

const PREPARED = { prepare: true };

export const createChangeFeed = (registry: Registry): ReadChanges => {
  const family = journalFamily(registry);
  return async (sql, tables, position, limit) => {
    const asked = tables.map((table) => pick(registry, family, table));
    const of_journal = asked.filter(({ table }) => family?.tables.has(table));
    const recorded = await readRecorded(
      sql,
      asked.filter((entity) => !of_journal.includes(entity)),
      position,
      limit,
    );
    if (family === null || of_journal.length === 0 || recorded.has_more) return recorded;
    const journal = await readJournal(
      sql,
      { family, entities: of_journal },
      recorded.position,
      limit - recorded.rows.length,
    );
    return { ...journal, rows: [...recorded.rows, ...journal.rows] };
  };
};

const pick = (registry: Registry, family: JournalFamily | null, table: string): Entity => {
  const entity = registry.entities.get(table);
  if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
  if (entity.partition !== null && family?.tables.has(table) !== true) {
    throw new RangeError(`${table} is partitioned, but the journal does not fill it: it has no change feed`);
  }
  return entity;
};

interface Change {
  readonly position: number;
  readonly change_id: number;
  readonly table_name: string;
  readonly row_count: number;
}

/** A piece of a change: its rows after the first `skip`, `take` of them. */
interface Piece extends Change {
  readonly skip: number;
  readonly take: number;
}

const readRecorded = async (
  sql: Sql | Transaction,
  entities: readonly Entity[],
  position: ChangePosition,
  limit: number,
): Promise<ChangePage> => {
  if (entities.length === 0) return { rows: [], position, has_more: false };
  // Changes of other tables are read over too, so that nobody has to pass them again.
  const changes = await sql<Change[]>`
    select o.position, o.change_id, c.table_name, c.row_count
    from ops.change_order o
    join ops.load_change c using (change_id)
    where o.position >= ${position.change}
    order by o.position
    limit ${limit + 1}`;
  const wanted = new Set(entities.map(({ table }) => table));
  const pieces: Piece[] = [];
  let [left, reached] = [limit, position];
  for (const change of changes) {
    const skip = change.position === position.change ? position.rows : 0;
    const take = wanted.has(change.table_name) ? Math.min(left, change.row_count - skip) : 0;
    if (take > 0) pieces.push({ ...change, skip, take });
    left -= take;
    const is_cut = wanted.has(change.table_name) && skip + take < change.row_count;
    reached = { ...position, change: change.position, rows: is_cut ? skip + take : change.row_count };
    if (left === 0) break;
  }
  const rows = await Promise.all(
    entities.map((entity) =>
      readPieces(
        sql,
        entity,
        pieces.filter(({ table_name }) => table_name === entity.table),
      ),
    ),
  );
  const has_more = left === 0 || changes.length > limit;
  return { rows: inOrder(rows.flat()), position: reached, has_more };
};

interface Placed {
  readonly major: number;
  readonly minor: number;
  readonly row: VaultRow;
}

const inOrder = (rows: readonly Placed[]): VaultRow[] =>
  rows.toSorted((a, b) => a.major - b.major || a.minor - b.minor).map(({ row }) => row);

const placed = (table: string, found: readonly Record<string, unknown>[]): Placed[] =>
  found.map(({ feed_major, feed_minor, ...values }) => ({
    major: Number(feed_major),
    minor: Number(feed_minor),
    row: { table, values },
  }));

const readPieces = async (
  sql: Sql | Transaction,
  entity: Entity,
  pieces: readonly Piece[],
): Promise<Placed[]> => {
  if (pieces.length === 0) return [];
  const { name, hash_key, kind, primary_key, columns } = entity;
  const slice = (column: string): string => `c.${column}[piece.skip + 1 : piece.skip + piece.take]`;
  const times = ['applied_date', 'load_date', 'hash_diff'];
  const others = primary_key.filter((column) => column !== hash_key && !times.includes(column));
  const conditions = [
    `t.${hash_key} = k.hash_key`,
    ...(kind === 'satellite' ? times.map((column) => `t.${column} = k.${column}`) : []),
    ...(others.length === 0
      ? []
      : [`row(${others.map((column) => `t.${column}`).join(', ')})::text = k.other`]),
  ];
  const found = await sql.unsafe<Record<string, unknown>[]>(
    `select piece.position as feed_major, piece.skip + k.place as feed_minor,
       ${columns.map((column) => `t.${column.name}`).join(', ')}
     from unnest($1::text::bigint[], $2::text::bigint[], $3::text::integer[], $4::text::integer[])
       as piece (position, change_id, skip, take)
     join ops.load_change c using (change_id)
     cross join lateral unnest(${['hash_keys', 'applied_dates', 'load_dates', 'hash_diffs', 'others'].map(slice).join(', ')})
       with ordinality as k (hash_key, applied_date, load_date, hash_diff, other, place)
     join ${name} t on ${conditions.join(' and ')}`,
    (['position', 'change_id', 'skip', 'take'] as const).map(
      (column) => `{${pieces.map((piece) => piece[column]).join(',')}}`,
    ),
    PREPARED,
  );
  return placed(entity.table, found);
};

interface JournalBatch {
  readonly last_sequence: number;
  readonly first_instant: string | null;
  readonly last_instant: string | null;
}

interface JournalTables {
  readonly family: JournalFamily;
  readonly entities: readonly Entity[];
}

const readJournal = async (
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

/** Every journal writer, by one probe of the index each. */
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
const nextBatch = async (
  sql: Sql | Transaction,
  writer: string,
  after: number,
): Promise<JournalBatch | undefined> => {
  const [batch] = await sql<JournalBatch[]>`
    select last_sequence, first_instant, last_instant
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

// The instants of a batch let the index on time find its records.
const recordsText = ({ satellite, hub }: JournalFamily): string => `
  select ${hub.hash_key}, load_date, journal_sequence
  from ${satellite.name}
  where journal_writer = $1::text::uuid
    and journal_sequence > $2::text::bigint
    and journal_sequence <= $3::text::bigint
    and request_timestamp between $4::text::timestamptz and $5::text::timestamptz
  order by journal_sequence
  limit $6::text::bigint`;

const rangeParameters = (range: JournalRange, limit: number): (string | null)[] => [
  range.writer,
  String(range.after),
  String(range.last_sequence),
  range.first_instant,
  range.last_instant,
  String(limit),
];

const readBatch = async (
  sql: Sql | Transaction,
  family: JournalFamily,
  entity: Entity,
  range: JournalRange,
  limit: number,
): Promise<Placed[]> => {
  const { hash_key } = family.hub;
  const found = await sql.unsafe<Record<string, unknown>[]>(
    `with record as materialized (${recordsText(family)})
     select record.journal_sequence as feed_major, 0 as feed_minor,
       ${entity.columns.map(({ name }) => `t.${name}`).join(', ')}
     from record
     join ${entity.name} t on t.${hash_key} = record.${hash_key} and t.load_date = record.load_date`,
    rangeParameters(range, limit),
    PREPARED,
  );
  return placed(entity.table, found);
};

/** Up to where `limit` records reach, and how many there are. */
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
