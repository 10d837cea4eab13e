import type { Sql } from '../../core/postgres.ts';
import type { Entity } from '../entity.ts';
import { microInstant } from '../instant.ts';
import type { JournalFamily } from '../journal-family.ts';
import { arrayLiteral } from '../literal.ts';
import type { Registry } from '../registry.ts';
import type { VaultRow } from '../rows.ts';
import type { Transaction } from '../transaction.ts';
import type { JournalPart } from './leaf-parts.ts';

/** A row with the index of the leaf that it belongs to. */
export interface IndexedRow {
  readonly index: number;
  readonly row: VaultRow;
}

/** The rows that stand for the leaves of journal batches: one statement a table, in the days of the batches only. */
export const readJournalRows = async (
  sql: Sql | Transaction,
  registry: Registry,
  family: JournalFamily,
  parts: readonly JournalPart[],
): Promise<IndexedRow[]> => {
  // Where the batch's own row is gone nothing says where to look.
  const dated = parts.filter((part) => part.first_load_date !== null);
  if (dated.length === 0) return [];
  const parameters = parametersOf(dated);
  const indices = dated.map(
    ({ sequences, first_index }) =>
      new Map(sequences.map((sequence, offset) => [sequence, first_index + offset])),
  );
  const found: IndexedRow[] = [];
  for (const table of family.tables) {
    const entity = registry.entities.get(table)!;
    const rows = await sql.unsafe<(Record<string, unknown> & { leaf_part: number; leaf_record: number })[]>(
      rowsText(family, entity),
      parameters,
      { prepare: true },
    );
    for (const { leaf_part, leaf_record, ...values } of rows) {
      const index = indices[leaf_part - 1]!.get(leaf_record);
      // A record of the batch without a leaf is for `uncoveredRows` to name.
      if (index !== undefined) found.push({ index, row: { table, values } });
    }
  }
  return found;
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

// A batch's dates lead to its records: the keys of what the journal fills begin with load_date.
const rowsText = ({ satellite, hub }: JournalFamily, entity: Entity): string => {
  const is_record = entity === satellite;
  const columns = entity.columns.map(({ name }) => name);
  const record = is_record ? columns : [hub.hash_key, 'load_date', 'journal_sequence'];
  return `
    with record as ${is_record ? 'not materialized' : 'materialized'} (
      select part.place as leaf_part, s.*
      from unnest($1::text::uuid[], $2::text::bigint[], $3::text::bigint[],
          $4::text::timestamptz[], $5::text::timestamptz[])
        with ordinality as part (writer, first_sequence, last_sequence, first_load_date, last_load_date, place)
      cross join lateral (
        select ${record.join(', ')}
        from ${satellite.name}
        where load_date between part.first_load_date and part.last_load_date
          and load_date between $6::text::timestamptz and $7::text::timestamptz
          and journal_writer = part.writer
          and journal_sequence between part.first_sequence and part.last_sequence
        offset 0) s
    )
    select record.leaf_part::integer as leaf_part, record.journal_sequence as leaf_record,
      ${columns.map((name) => `${is_record ? 'record' : 't'}.${name}`).join(', ')}
    from record
    ${
      is_record
        ? ''
        : `join ${entity.name} t on t.load_date = record.load_date and t.${hub.hash_key} = record.${hub.hash_key}
    where t.load_date between $6::text::timestamptz and $7::text::timestamptz`
    }`;
};
