import type { JournalLeaves, JournalLog } from '../../audit/journal-leaves.ts';
import { isConnectionError, type Sql } from '../../postgres/connect.ts';
import { insertRefusals } from '../../vault/load-error.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';
import type { Batch } from './batch.ts';
import { type LoadWithConflictsDeps, loadWithConflicts, type RecordRows } from './load-with-conflicts.ts';

export interface SaveBatchDeps extends LoadWithConflictsDeps {
  /** Creates the leaves of the rows that either way writes. */
  readonly journal_log: JournalLog;
}

/** A batch of the journal's records, ready to be written. */
export interface PreparedBatch extends Batch {
  readonly append: (tx: Transaction) => Promise<void>;
  /** Its leaves in the audit log after `append` has written it. */
  readonly leaves: JournalLeaves;
  /** Its rows, grouped by record, for the retry after `append` failed. */
  readonly records: () => readonly RecordRows[];
}

/**
 * Writes a batch in one transaction, if it directly follows the vault's last record of its writer.
 * @returns null if it was written, else the vault's position of the writer
 */
export const saveBatch = async (deps: SaveBatchDeps, sql: Sql, batch: PreparedBatch): Promise<number | null> => {
  try {
    return await writeBatch(deps, sql, batch, 'append');
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return await writeBatch(deps, sql, batch, 'load');
  }
};

/** All of a batch at once, or without the records that conflict with existing ones. */
type Way = 'append' | 'load';

const writeBatch = (deps: SaveBatchDeps, sql: Sql, batch: PreparedBatch, way: Way): Promise<number | null> =>
  writeVault(sql, deps.clock, async (tx, queued_at) => {
    const { writer, first_sequence } = batch;
    const position = await lockPosition(tx, writer, way);
    if (position !== first_sequence - 1) return position;
    const leaf_batch = { writer, first_sequence, queued_at };
    if (way === 'append') await batch.append(tx);
    else await loadWithConflicts(deps, tx, batch.records());
    await Promise.all([
      insertRefusals(tx, batch.refusals, deps.clock.now()),
      insertJournalBatch(tx, batch, queued_at),
      ...(way === 'append' ? [deps.journal_log.insert(tx, leaf_batch, batch.leaves)] : []),
    ]);
    if (way === 'load') await deps.journal_log.queue(tx, leaf_batch);
    return null;
  });

/**
 * Lets one loader at a time write a writer's records, and returns the sequence up to which the vault holds them.
 * A load with conflicts must see all existing records, so it excludes every other loader.
 */
const lockPosition = async (tx: Transaction, writer: string, way: Way): Promise<number> => {
  const lock = tx(way === 'append' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock');
  const [, [row]] = await Promise.all([
    tx`
      select pg_advisory_xact_lock(hashtextextended(${`journal/${writer}`}, 0)),
        ${lock}(hashtextextended('onevault calls', 0))`,
    tx<{ position: number }[]>`
      select b.last_sequence as position
      from ops.journal_batch b
      where b.writer = ${writer}
      order by b.first_sequence desc
      limit 1`,
  ]);
  return row?.position ?? 0;
};

const insertJournalBatch = (tx: Transaction, batch: Batch, loaded_at: string) => tx`
  insert into ops.journal_batch
    (writer, first_sequence, last_sequence, record_count, first_instant, last_instant,
     first_load_date, last_load_date, loaded_at)
  values (
    ${batch.writer},
    ${batch.first_sequence},
    ${batch.last_sequence},
    ${batch.record_count},
    ${batch.first_instant},
    ${batch.last_instant},
    ${batch.first_load_date},
    ${batch.last_load_date},
    ${loaded_at}
  )`;
