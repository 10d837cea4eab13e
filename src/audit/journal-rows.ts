import type { Sql } from '../postgres/connect.ts';
import type { Entity } from '../vault/entity.ts';
import { microInstant } from '../vault/instant.ts';
import type { JournalFamily } from '../vault/journal-family.ts';
import { arrayLiteral } from '../vault/literal.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { JournalPart } from './leaf-parts.ts';

/** A row with the index of the leaf that it belongs to. `values` may hold more than the table's columns. */
export interface IndexedRow extends VaultRow {
  readonly index: number;
}

/** The rows that stand for the leaves of journal batches: one statement a table, in the days of the batches only. */
export const readJournalRows = async (
  sql: Sql | Transaction,
  registry: Registry,
  family: JournalFamily,
  parts: readonly JournalPart[],
): Promise<IndexedRow[]> => {
  // Without the batch's own row its place is unknown.
  const dated = parts.filter((part) => part.first_load_date !== null);
  if (dated.length === 0) return [];
  const parameters = parametersOf(dated);
  const indices = dated.map(
    ({ sequences, first_index }) => new Map(sequences.map((sequence, offset) => [sequence, first_index + offset])),
  );
  const read = async (table: string): Promise<IndexedRow[]> => {
    const rows = await sql.unsafe<(Record<string, unknown> & { leaf_part: number; leaf_record: number })[]>(
      rowsText(family, registry.entities.get(table)!),
      parameters,
      { prepare: true },
    );
    return rows.flatMap((values) => {
      const index = indices[values.leaf_part - 1]!.get(values.leaf_record);
      // A record of the batch without a leaf is for `uncoveredRows` to name.
      return index === undefined ? [] : [{ index, table, values }];
    });
  };
  // All at once: PostgreSQL reads one table while another's rows are taken in here.
  return (await Promise.all([...family.tables].map(read))).flat();
};

const parametersOf = (parts: readonly JournalPart[]): string[] => {
  const instants = (column: 'first_load_date' | 'last_load_date'): string =>
    arrayLiteral({ name: column, type: 'instant' }, parts as never);
  const first_dates = parts.map((part) => microInstant(part.first_load_date!)).sort();
  const last_dates = parts.map((part) => microInstant(part.last_load_date!)).sort();
  return [
    `{${parts.map(({ writer }) => writer).join(',')}}`,
    `{${parts.map(({ sequences }) => sequences[0]).join(',')}}`,
    `{${parts.map(({ sequences }) => sequences.at(-1)).join(',')}}`,
    instants('first_load_date'),
    instants('last_load_date'),
    first_dates[0]!,
    last_dates.at(-1)!,
  ];
};

// A batch's dates lead to its records: the keys of what the journal fills begin with load_date. What belongs to them is
// read by their dates too and then matched: many calls share a date, and links have no index that begins with a call's key.
const rowsText = ({ satellite, hub }: JournalFamily, entity: Entity): string => {
  const columns = entity.columns.map(({ name }) => name);
  const records = (chosen: readonly string[]): string => `
    select part.place::integer as leaf_part, s.journal_sequence as leaf_record,
      ${chosen.map((name) => `s.${name}`).join(', ')}
    from unnest($1::text::uuid[], $2::text::bigint[], $3::text::bigint[],
        $4::text::timestamptz[], $5::text::timestamptz[])
      with ordinality as part (writer, first_sequence, last_sequence, first_load_date, last_load_date, place)
    cross join lateral (
      select ${[...new Set(['journal_sequence', ...chosen])].join(', ')}
      from ${satellite.name}
      where load_date between part.first_load_date and part.last_load_date
        and load_date between $6::text::timestamptz and $7::text::timestamptz
        and journal_writer = part.writer
        and journal_sequence between part.first_sequence and part.last_sequence
      offset 0) s`;
  if (entity === satellite) return records(columns);
  return `
    with record as materialized (${records([hub.hash_key, 'load_date'])}
    ), span as materialized (
      select leaf_part, min(load_date) as first_load_date, max(load_date) as last_load_date
      from record
      group by leaf_part
    )
    select record.leaf_part, record.leaf_record, ${columns.map((name) => `t.${name}`).join(', ')}
    from span
    cross join lateral (
      select *
      from ${entity.name}
      where load_date between span.first_load_date and span.last_load_date
        and load_date between $6::text::timestamptz and $7::text::timestamptz
      offset 0) t
    join record on record.leaf_part = span.leaf_part
      and record.load_date = t.load_date
      and record.${hub.hash_key} = t.${hub.hash_key}`;
};
