import { instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from './transaction.ts';

/** Creates partitions, and remembers the days that have them. */
export interface Partitions {
  /** Creates the missing partitions for `days` (`YYYY-MM-DD`), in the transaction. */
  ensure(tx: Transaction, days: ReadonlySet<string>): Promise<void>;
  /** Forgets the known days; call it after a failed transaction. */
  forget(): void;
}

/** Creates missing partitions. It queries the database once for each day: a batch of known days costs no statement. */
export const createPartitions = (): Partitions => {
  const known = new Set<string>();
  // A rollback removes new partitions of the transaction, so they are not remembered.
  const makers = new WeakSet<Transaction>();
  return {
    forget: () => known.clear(),
    ensure: async (tx, days) => {
      const unknown = [...days].filter((day) => !known.has(day)).sort();
      if (unknown.length === 0) return;
      const [row] = await tx<[{ made: number }]>`
        select coalesce(sum(util.ensure_partitions(day, day)), 0)::integer as made
        from unnest(${`{${unknown.join(',')}}`}::text::date[]) as day`;
      if (row.made > 0) makers.add(tx);
      if (!makers.has(tx)) for (const day of unknown) known.add(day);
    },
  };
};

// The job adds one day each day, so it may fail for two weeks.
const DAYS_AHEAD = 14;
const DAY_MS = 86_400_000;

/**
 * Creates the partitions of the day of `now_ms` and of the fourteen days after it.
 * @returns the number of missing ones
 */
export const makePartitionsAhead = async (sql: Sql, now_ms: number): Promise<number> => {
  const [today, last] = [now_ms, now_ms + DAYS_AHEAD * DAY_MS].map((ms) => instantOf(ms).slice(0, 10));
  const [row] = await sql<[{ made: number }]>`
    select util.ensure_partitions(${today!}::text::date, ${last!}::text::date) as made`;
  return row.made;
};
