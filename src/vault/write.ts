import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { KNOWN_LOCK } from './known-lock.ts';
import type { Transaction } from './transaction.ts';

/**
 * Runs `work` in a transaction that may write to the vault, with the instant for its rows' stamps: no
 * result for that instant is final before the end of the transaction.
 */
export const writeVault = async <T>(
  sql: Sql,
  clock: Clock,
  work: (tx: Transaction, load_date: string) => Promise<T>,
): Promise<T> => (await sql.begin(async (tx) => work(tx, await stampWrites(tx, clock)))) as T;

/**
 * The same for an open transaction that reads for a long time before it writes: until its end, no result for a new
 * instant is final.
 * @returns the instant for its rows' stamps
 */
export const stampWrites = async (tx: Transaction, clock: Clock): Promise<string> => {
  await tx`select pg_advisory_xact_lock_shared(${KNOWN_LOCK.toString()}::bigint)`;
  return instantOf(clock.now());
};
