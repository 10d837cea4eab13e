import type { VaultRow } from './rows.ts';

/** The position of a reader: plain JSON, to be stored with its results. It belongs to a set of tables. */
export interface ChangePosition {
  /** The last read change, and the number of its rows that were read. */
  readonly change: number;
  readonly rows: number;
  /** By journal writer, the last read sequence. */
  readonly writers: Readonly<Record<string, number>>;
}

/** The position before all rows. */
export const FEED_START: ChangePosition = { change: 0, rows: 0, writers: {} };

export interface ChangePage {
  /** In the order in which they became visible; those of the journal in the order of its sequences. */
  readonly rows: readonly VaultRow[];
  /** The start of the next page. */
  readonly position: ChangePosition;
  /** True if there is more to read. */
  readonly has_more: boolean;
}

/** A row of a page, with its position in the page. */
export interface PositionedRow {
  readonly major: number;
  readonly minor: number;
  readonly row: VaultRow;
}

export const inOrder = (rows: readonly PositionedRow[]): VaultRow[] =>
  rows.toSorted((a, b) => a.major - b.major || a.minor - b.minor).map(({ row }) => row);

/** Rows of a query whose columns feed_major and feed_minor give their position. */
export const positionedRows = (table: string, found: readonly Record<string, unknown>[]): PositionedRow[] =>
  found.map(({ feed_major, feed_minor, ...values }) => ({
    major: Number(feed_major),
    minor: Number(feed_minor),
    row: { table, values },
  }));
