import type { TransactionSql } from 'postgres';
import type { Sql } from '../postgres/connect.ts';

/** A transaction that is open. */
// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
export type Transaction = TransactionSql<{}>;

/** Runs `work` in the transaction given, or in one opened and committed for it. */
export const inTransaction = async <T>(sql: Sql | Transaction, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  'savepoint' in sql ? work(sql) : ((await sql.begin(work)) as T);
