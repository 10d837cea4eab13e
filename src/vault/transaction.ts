import type { TransactionSql } from 'postgres';
import type { Sql } from '../postgres/connect.ts';

/** An open transaction. */
// biome-ignore lint/complexity/noBannedTypes: the driver's own spelling of "no parameter types of ours"
export type Transaction = TransactionSql<{}>;

/** Runs `work` in the given transaction, or in one that it opens and commits. */
export const inTransaction = async <T>(sql: Sql | Transaction, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  'savepoint' in sql ? work(sql) : ((await sql.begin(work)) as T);
