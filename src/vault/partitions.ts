import { instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from './transaction.ts';

/** Remembers the days that have their partitions. */
export interface Partitions {
  /** Makes the partitions that are missing for `days` (`YYYY-MM-DD`), in the transaction. */
  ensure(tx: Transaction, days: ReadonlySet<string>): Promise<void>;
  /** Forgets what is known to exist: to be called when a transaction failed. */
  forget(): void;
}

/** Makes missing partitions. The database is queried once for each day: a batch of known days costs no statement. */
export const createPartitions = (): Partitions => {
  const known = new Set<string>();
  // A rollback removes partitions that the transaction made, so they are not remembered.
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

// The job may fail for two weeks: it makes one more day each day.
const DAYS_AHEAD = 14;
const DAY_MS = 86_400_000;

/**
 * Makes the partitions of the day of `now_ms` and of the fourteen after it.
 * @returns how many were missing
 */
export const makePartitionsAhead = async (sql: Sql, now_ms: number): Promise<number> => {
  const [today, last] = [now_ms, now_ms + DAYS_AHEAD * DAY_MS].map((ms) => instantOf(ms).slice(0, 10));
  const [row] = await sql<[{ made: number }]>`
    select util.ensure_partitions(${today!}::text::date, ${last!}::text::date) as made`;
  return row.made;
};
