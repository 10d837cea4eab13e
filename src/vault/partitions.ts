import type { Transaction } from './transaction.ts';

/** Knows which days have their partitions. */
export interface Partitions {
  /** Makes the partitions that are missing for `days` (`YYYY-MM-DD`), in the transaction. */
  ensure(tx: Transaction, days: ReadonlySet<string>): Promise<void>;
  /** Forgets what is known to exist: to be called when a transaction failed. */
  forget(): void;
}

/** Asks the database once a day and table set: a batch of known days costs no statement. */
export const createPartitions = (): Partitions => {
  const known = new Set<string>();
  // What a transaction made goes if it is rolled back: nothing that it sees is known for good.
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
