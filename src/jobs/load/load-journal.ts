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
  /** Opens connections: new ones after each failure, because the driver may keep rests of a lost connection. */
  readonly connect: () => Sql;
  /** Writes batches that are not yet in the vault. */
  readonly append: Append;
  readonly log: Log;
}

export interface JournalLoader {
  /** Loads everything that is in the journal now; resolves with the number of loaded records. */
  drain(): Promise<number>;
  /** Loads until it is stopped. It waits and retries while PostgreSQL is not available. */
  run(): Promise<void>;
  /** Ends `run` after the current batch. */
  stop(): void;
  /** Closes the connections. */
  close(): Promise<void>;
}

// Measured: above 1,000 calls a batch the cost of a call no longer falls, and a batch still takes well below 0.2 s.
const BATCH_RECORDS = 2_000;
// Delay until the vault has a call, and so the number of calls that share a transaction: 300 at 3,000 calls/s.
const WAIT_MS = 100;
// About half a millisecond of work. In between, PostgreSQL gets the data that it waits for.
const RECORDS_AT_A_TIME = 50;
// PostgreSQL and this process then both have work, whichever of them is slower for a while.
const PREFETCHED_BATCHES = 2;
const RETRY_WAIT_MS = 500;
const CLOSE_TIMEOUT_S = 5;

type Loading = JournalLoaderDeps & { readonly callRows: CallRows };

/** Loads the journal into the vault. Several loaders may run at once: each batch is loaded once and in order. */
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

/** Loads the records of a writer. @returns the number of loaded records */
const drainWriter = async (loading: Loading, sql: Sql, writer: WriterState, isOver: () => boolean): Promise<number> => {
  const { store } = loading;
  const prefetchFrom = (start: number): Prefetch<PreparedBatch> =>
    createPrefetch(async (before) => {
      if (before !== null && (before.record_count < BATCH_RECORDS || isOver())) return null;
      return prepareAfter(loading, writer.id, before?.last_sequence ?? start);
    }, PREFETCHED_BATCHES);
  let position = writer.position;
  let prefetched = prefetchFrom(position);
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
        prefetched = prefetchFrom(position);
      }
    }
  } finally {
    await prefetched.end();
  }
  await Promise.all(trims);
  if (writer.last_sequence === position) await forgetWriter(store, writer.id);
  return taken;
};

/** The batch of a writer's next records; null if there are none. */
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
    // Rebuilt only for the few batches with a line that PostgreSQL refused, so that the others cost no memory.
    records: () => prepareBatch(readEntries(store, writer, position, count), callRows, registry).records,
  };
};

/** Deletes records that the vault holds already: a crash lost the journal's own note of it. */
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
