import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { KNOWN_LOCK } from './known-lock.ts';
import type { Transaction } from './transaction.ts';

/**
 * Runs `work` in a transaction that may write to the vault, with the instant that its rows are stamped with: no
 * answer for that instant is final before the transaction has ended.
 */
export const writeVault = async <T>(
  sql: Sql,
  clock: Clock,
  work: (tx: Transaction, load_date: string) => Promise<T>,
): Promise<T> => (await sql.begin(async (tx) => work(tx, await stampWrites(tx, clock)))) as T;

/**
 * The same for a transaction that is under way, because it reads for long before it writes: from here until its end
 * no answer for a new instant is final.
 * @returns the instant that its rows are stamped with
 */
export const stampWrites = async (tx: Transaction, clock: Clock): Promise<string> => {
  await tx`select pg_advisory_xact_lock_shared(${KNOWN_LOCK.toString()}::bigint)`;
  return instantOf(clock.now());
};
