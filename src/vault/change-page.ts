import type { VaultRow } from './rows.ts';

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
  /** The start of the next page. */
  readonly position: ChangePosition;
  /** True if there is more to read. */
  readonly has_more: boolean;
}

/** A row on its way into a page, with its place there. */
export interface PositionedRow {
  readonly major: number;
  readonly minor: number;
  readonly row: VaultRow;
}

export const inOrder = (rows: readonly PositionedRow[]): VaultRow[] =>
  rows.toSorted((a, b) => a.major - b.major || a.minor - b.minor).map(({ row }) => row);

/** Rows out of a query whose columns feed_major and feed_minor say their place. */
export const positionedRows = (table: string, found: readonly Record<string, unknown>[]): PositionedRow[] =>
  found.map(({ feed_major, feed_minor, ...values }) => ({
    major: Number(feed_major),
    minor: Number(feed_minor),
    row: { table, values },
  }));
