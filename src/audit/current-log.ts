import { randomBytes } from 'node:crypto';
import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { KNOWN_LOCK } from '../vault/known-lock.ts';
import type { Transaction } from '../vault/transaction.ts';

const LOG_ID_BYTES = 8;

/**
 * Each writer of the tree, its checkpoints or its keys holds this lock until its transaction ends, and stamps its
 * rows under it, so that the set of checkpoints at a known instant never changes.
 */
export const lockLog = async (tx: Transaction): Promise<void> => {
  await tx`select pg_advisory_xact_lock_shared(${KNOWN_LOCK.toString()}::bigint)`;
  await tx`select pg_advisory_xact_lock(hashtextextended('onevault audit log', 0))`;
};

/** The origin of the current log; null before its first leaves. */
export const readOrigin = async (sql: Sql | Transaction): Promise<string | null> => {
  const [log] = await sql<{ origin: string }[]>`
    select 'onevault/' || log_id as origin
    from audit.log
    order by log_number desc
    limit 1`;
  return log?.origin ?? null;
};

/** Starts a log, under the log's lock. @returns its origin */
export const insertLog = async (tx: Transaction, clock: Clock, reason: string): Promise<string> => {
  const log_id = randomBytes(LOG_ID_BYTES).toString('hex');
  await tx`
    insert into audit.log (log_id, created_at, reason)
    values (${log_id}, ${instantOf(clock.now())}, ${reason})`;
  return `onevault/${log_id}`;
};

/**
 * Starts another log over the same leaves, with another origin and another key: after a restore from a backup older than
 * the published checkpoints, because more signatures under the old origin would be a fork.
 * @param reason for auditors
 * @returns the origin
 */
export const startNewLog = async (
  sql: Sql,
  { clock, reason }: { readonly clock: Clock; readonly reason: string },
): Promise<string> =>
  (await sql.begin(async (tx) => {
    await lockLog(tx);
    return insertLog(tx, clock, reason);
  })) as string;
