import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../core/postgres.ts';
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
): Promise<T> =>
  (await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock_shared(${KNOWN_LOCK.toString()}::bigint)`;
    return work(tx, instantOf(clock.now()));
  })) as T;
