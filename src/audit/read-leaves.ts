import type { Sql } from '../postgres/connect.ts';
import type { Entity } from '../vault/entity.ts';
import { microInstant } from '../vault/instant.ts';
import { journalFamily } from '../vault/journal-family.ts';
import { type Piece, readPieces } from '../vault/recorded-changes.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import { certificateOf, readDestroyed } from './destroyed.ts';
import { describeGone } from './gone-rows.ts';
import { type IndexedRow, readJournalRows } from './journal-rows.ts';
import { type ChangePart, type JournalPart, type LeafPart, readParts } from './leaf-parts.ts';
import type { LeafRange } from './subtrees.ts';

/** A leaf of the log with the rows that it commits to, as they stand in the vault now. */
export interface LoggedLeaf {
  readonly index: number;
  /** As the log holds it, lower-case hex. */
  readonly leaf_hash: string;
  /** In the forms of `ColumnType`, instants with six decimals; sorted by table. */
  readonly rows: readonly VaultRow[];
  /** Description of missing rows; null if all exist. */
  readonly gone: string | null;
  /** The certificate under which the rows were destroyed; null where they stand, or are gone without one. */
  readonly certificate: string | null;
}

/**
 * Reads the leaves from one index up to another, the latter not included, in order, a page at a time in bounded memory:
 * a handful of statements a page, each in the days of its batches only.
 * @param sql a pool made by `connect`, or a transaction of one
 * @throws MissingHashError when the log has no such leaves, or rows of its own tables are gone
 */
export type ReadLeaves = (sql: Sql | Transaction, range: LeafRange) => AsyncIterable<readonly LoggedLeaf[]>;

// Some 10 MB of rows here: measured, pages that outlive the garbage collector's first look cost half as much again.
const PAGE_LEAVES = 1_000;

export const createReadLeaves = (registry: Registry): ReadLeaves =>
  async function* (sql, { from, to }) {
    for (let next = from; next < to; ) {
      const parts = await readParts(sql, { from: next, to: Math.min(to, next + PAGE_LEAVES) });
      const page = await readPage(sql, registry, parts);
      yield page;
      next += page.length;
    }
  };

const readPage = async (
  sql: Sql | Transaction,
  registry: Registry,
  parts: readonly LeafPart[],
): Promise<LoggedLeaf[]> => {
  const family = journalFamily(registry);
  const of_journal = parts.filter((part): part is JournalPart => part.origin === 'journal');
  const of_changes = parts.filter((part): part is ChangePart => part.origin === 'change');
  const found = [
    ...(family === null ? [] : await readJournalRows(sql, registry, family, of_journal)),
    ...(await readChangedRows(sql, registry, of_changes)),
  ];
  const first_index = parts[0]?.first_index ?? 0;
  const rows: VaultRow[][] = parts.flatMap(({ take }) => Array.from({ length: take }, () => []));
  for (const { index, table, values } of found) {
    rows[index - first_index]!.push({ table, values: exactValues(registry.entities.get(table)!, values) });
  }
  const isGone = (index: number): boolean => rows[index - first_index]!.length === 0;
  const gone = await describeGone(sql, parts, isGone);
  // Only calls are ever destroyed.
  const gone_calls = new Set(
    of_journal
      .flatMap(({ first_index: first, take }) => Array.from({ length: take }, (_, place) => first + place))
      .filter(isGone),
  );
  const destroyed =
    gone_calls.size > 0 ? await readDestroyed(sql, { from: first_index, to: first_index + rows.length }) : [];
  const leaf_hashes = parts.flatMap((part) => part.leaf_hashes);
  return rows.map((of_leaf, place) => {
    const index = first_index + place;
    const certificate = gone_calls.has(index) ? certificateOf(destroyed, index) : null;
    return {
      index,
      leaf_hash: leaf_hashes[place]!,
      rows: of_leaf.sort((a, b) => (a.table < b.table ? -1 : a.table > b.table ? 1 : 0)),
      gone: certificate === null ? (gone.get(index) ?? null) : `destroyed under certificate ${certificate}`,
      certificate,
    };
  });
};

/** The rows that stand for the leaves of changes: one statement a table. */
const readChangedRows = async (
  sql: Sql | Transaction,
  registry: Registry,
  parts: readonly ChangePart[],
): Promise<IndexedRow[]> => {
  const found: IndexedRow[] = [];
  for (const [table, changed] of Map.groupBy(parts, ({ table_name }) => table_name)) {
    const entity = registry.entities.get(table ?? '');
    if (entity === undefined) continue;
    const pieces = changed.map(({ change_id, skip, take }, position): Piece => ({ position, change_id, skip, take }));
    for (const { major, minor, row } of await readPieces(sql, entity, pieces)) {
      const { first_index, skip } = changed[major]!;
      found.push({ index: first_index + minor - 1 - skip, ...row });
    }
  }
  return found;
};

/** The table's columns, instants with six decimals. */
const exactValues = ({ columns }: Entity, values: VaultRow['values']): VaultRow['values'] => {
  const exact: Record<string, unknown> = {};
  for (const { name, type } of columns) {
    const value = values[name];
    exact[name] = type === 'instant' && typeof value === 'string' ? microInstant(value) : value;
  }
  return exact;
};
