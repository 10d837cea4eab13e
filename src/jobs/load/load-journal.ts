import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { forgetWriter, listWriters, readEntries, trimEntries, type WriterState } from '../../journal/reader.ts';
import type { JournalStore } from '../../journal/store.ts';
import { isConnectionError, type Sql } from '../../postgres/connect.ts';
import type { Append } from '../../vault/copy.ts';
import { createRowBuilder } from '../../vault/rows.ts';
import { prepareBatch, startBatch } from './batch.ts';
import { type CallRows, createCallRows } from './call-rows.ts';
import { createPrefetch, type Prefetch } from './prefetch.ts';
import { type PreparedBatch, type SaveBatchDeps, saveBatch } from './save-batch.ts';

export interface JournalLoaderDeps extends SaveBatchDeps {
  readonly store: JournalStore;
  /** Opens connections: anew after each failure, because a driver's lost connection may leave remains behind. */
  readonly connect: () => Sql;
  /** Writes the batches that the vault has never seen. */
  readonly append: Append;
  readonly log: Log;
}

export interface JournalLoader {
  /** Loads all that is in the journal now; resolves with the number of records taken in. */
  drain(): Promise<number>;
  /** Loads until stopped. While PostgreSQL is away it waits and tries again. */
  run(): Promise<void>;
  /** Ends `run` after the batch under way. */
  stop(): void;
  /** Ends the connections. */
  close(): Promise<void>;
}

// Measured: from 1,000 calls a batch on, the cost a call no longer falls, and a batch still takes well under 0.2 s.
const BATCH_RECORDS = 2_000;
// How late the vault sees a call, and so how many calls share a transaction: at 3,000 calls/s, 300.
const WAIT_MS = 100;
// About half a millisecond of work: in between, PostgreSQL gets what it waits for.
const RECORDS_AT_A_TIME = 50;
// PostgreSQL and this process both have work then, whichever is the slower one for a while.
const BATCHES_AHEAD = 2;
const RETRY_WAIT_MS = 500;
const CLOSE_TIMEOUT_S = 5;

type Loading = JournalLoaderDeps & { readonly callRows: CallRows };

/** The way from the journal to the vault. Several may run at once: a batch goes in once, and in order. */
export const createJournalLoader = (deps: JournalLoaderDeps): JournalLoader => {
  const { store, log } = deps;
  const loading: Loading = { ...deps, callRows: createCallRows(createRowBuilder(deps.registry)) };
  const abort = new AbortController();
  let sql = deps.connect();

  const drain = async (isOver = () => false): Promise<number> => {
    let taken = 0;
    for (const writer of listWriters(store)) taken += await drainWriter(loading, sql, writer, isOver);
    return taken;
  };

  const run = async (): Promise<void> => {
    let is_failing = false;
    while (!abort.signal.aborted) {
      let wait_ms = WAIT_MS;
      try {
        await drain(() => abort.signal.aborted);
        if (is_failing) log.info('records are loaded again');
        is_failing = false;
      } catch (err) {
        if (!is_failing) log[isConnectionError(err) ? 'warn' : 'error']({ err }, 'records wait: the vault took none');
        is_failing = true;
        wait_ms = RETRY_WAIT_MS;
        await sql.end({ timeout: 0 });
        sql = deps.connect();
      }
      await sleep(wait_ms, undefined, { signal: abort.signal }).catch(() => {});
    }
  };
  return {
    drain: () => drain(),
    run,
    stop: () => abort.abort(),
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_S }),
  };
};

/** Loads what a writer has in the journal. @returns how many records were taken in */
const drainWriter = async (loading: Loading, sql: Sql, writer: WriterState, isOver: () => boolean): Promise<number> => {
  const { store } = loading;
  const aheadOf = (start: number): Prefetch<PreparedBatch> =>
    createPrefetch(async (before) => {
      if (before !== null && (before.record_count < BATCH_RECORDS || isOver())) return null;
      return prepareAfter(loading, writer.id, before?.last_sequence ?? start);
    }, BATCHES_AHEAD);
  let position = writer.position;
  let prefetched = aheadOf(position);
  const trims: Promise<void>[] = [];
  let taken = 0;
  try {
    for (let batch = await prefetched.next(); batch !== null; batch = await prefetched.next()) {
      const vault_position = await saveBatch(loading, sql, batch);
      if (vault_position === null) {
        trims.push(trimEntries(store, writer.id, batch.last_sequence, batch.spent));
        taken += batch.record_count;
        position = batch.last_sequence;
      } else {
        await prefetched.end();
        position = await catchUp(loading, writer, position, vault_position);
        prefetched = aheadOf(position);
      }
    }
  } finally {
    await prefetched.end();
  }
  await Promise.all(trims);
  if (writer.last_sequence === position) await forgetWriter(store, writer.id);
  return taken;
};

/** The batch of a writer's next records; null where there are none. */
const prepareAfter = async (loading: Loading, writer: string, position: number): Promise<PreparedBatch | null> => {
  const { store, registry, callRows } = loading;
  const appending = loading.append();
  const leaves = loading.journal_log.start();
  const preparation = startBatch(callRows, registry, (rows, sequence) => {
    appending.add(rows);
    leaves.add(sequence, rows);
  });
  let count = 0;
  while (count < BATCH_RECORDS) {
    const entries = readEntries(store, writer, position + count, RECORDS_AT_A_TIME);
    if (entries.length === 0) break;
    preparation.add(entries);
    count += entries.length;
    await setImmediate();
  }
  if (count === 0) return null;
  return {
    ...preparation.finish(),
    leaves: leaves.finish(),
    append: await appending.finish(),
    // Made anew for the few batches of which PostgreSQL refused a line: until then they cost no memory.
    records: () => prepareBatch(readEntries(store, writer, position, count), callRows, registry).records,
  };
};

/** Drops what the vault holds already: the journal's own note of it was lost with a process. */
const catchUp = async (
  { store, registry, callRows }: Loading,
  writer: WriterState,
  position: number,
  vault_position: number,
): Promise<number> => {
  if (vault_position < position) {
    throw new Error(
      `the vault holds the records of journal writer ${writer.id} only up to ${vault_position}, ` +
        `but the journal gave up those to ${position}: the database is older than the journal`,
    );
  }
  let at = position;
  while (at < vault_position) {
    const entries = readEntries(store, writer.id, at, Math.min(BATCH_RECORDS, vault_position - at));
    if (entries.length === 0) break;
    const { last_sequence, spent } = prepareBatch(entries, callRows, registry);
    await trimEntries(store, writer.id, last_sequence, spent);
    at = last_sequence;
  }
  return vault_position;
};
