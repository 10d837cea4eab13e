import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { isConnectionError, type Sql } from '../../core/postgres.ts';
import {
  forgetWriter,
  listWriters,
  readEntries,
  trimEntries,
  type WriterState,
} from '../../journal/reader.ts';
import type { JournalStore } from '../../journal/store.ts';
import type { Append } from '../../vault/copy.ts';
import type { Load } from '../../vault/load.ts';
import { insertRefusals } from '../../vault/load-error.ts';
import type { Registry } from '../../vault/registry.ts';
import { createRowBuilder } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';
import { type Batch, prepareBatch, startBatch } from './batch.ts';
import { createCallRows } from './call-rows.ts';

export interface JournalLoaderDeps {
  readonly store: JournalStore;
  /** Opens connections: anew after each failure, because a driver's lost connection may leave remains behind. */
  readonly connect: () => Sql;
  /** Writes the batches that the vault has never seen. */
  readonly append: Append;
  /** Writes the batches of which `append` refuses a row. */
  readonly load: Load;
  readonly registry: Registry;
  readonly clock: Clock;
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
const RETRY_WAIT_MS = 500;
const CLOSE_TIMEOUT_S = 5;

/** The way from the journal to the vault. Several may run at once: a batch goes in once, and in order. */
export const createJournalLoader = (deps: JournalLoaderDeps): JournalLoader => {
  const { store, log, registry } = deps;
  const callRows = createCallRows(createRowBuilder(registry));
  const abort = new AbortController();
  let sql = deps.connect();

  const prepareAfter = async (writer: string, position: number): Promise<PreparedBatch | null> => {
    const preparation = startBatch(callRows, registry);
    let count = 0;
    while (count < BATCH_RECORDS) {
      const entries = readEntries(store, writer, position + count, RECORDS_AT_A_TIME);
      if (entries.length === 0) break;
      preparation.add(entries);
      count += entries.length;
      await setImmediate();
    }
    if (count === 0) return null;
    const batch = preparation.finish();
    return { ...batch, append: await deps.append(batch.rows) };
  };

  const drainWriter = async (writer: WriterState, isOver: () => boolean): Promise<number> => {
    let position = writer.position;
    let batch = await prepareAfter(writer.id, position);
    const trims: Promise<void>[] = [];
    let taken = 0;
    while (batch !== null) {
      const saving = saveBatch(deps, sql, batch);
      // While PostgreSQL works at this batch, the next one is made ready.
      const is_last = batch.record_count < BATCH_RECORDS || isOver();
      const preparing = is_last ? null : prepareAfter(writer.id, batch.last_sequence);
      const [vault_position, following] = await Promise.all([saving, preparing]);
      if (vault_position === null) {
        trims.push(trimEntries(store, writer.id, batch.last_sequence, batch.spent));
        taken += batch.record_count;
        position = batch.last_sequence;
        batch = following;
      } else {
        position = await catchUp(writer, position, vault_position);
        batch = await prepareAfter(writer.id, position);
      }
    }
    await Promise.all(trims);
    if (writer.last_sequence === position) await forgetWriter(store, writer.id);
    return taken;
  };

  /** Drops what the vault holds already: the journal's own note of it was lost with a process. */
  const catchUp = async (writer: WriterState, position: number, vault_position: number): Promise<number> => {
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

  const drain = async (isOver = () => false): Promise<number> => {
    let taken = 0;
    for (const writer of listWriters(store)) taken += await drainWriter(writer, isOver);
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
        if (!is_failing)
          log[isConnectionError(err) ? 'warn' : 'error']({ err }, 'records wait: the vault took none');
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

interface PreparedBatch extends Batch {
  readonly append: (tx: Transaction) => Promise<void>;
}

/**
 * Writes a batch in one transaction, if it directly follows what the vault holds of its writer.
 * @returns null when it was written, else the vault's position of the writer
 */
const saveBatch = async (deps: JournalLoaderDeps, sql: Sql, batch: PreparedBatch): Promise<number | null> => {
  try {
    return await writeBatch(deps, sql, batch, batch.append);
  } catch (error) {
    if (isConnectionError(error)) throw error;
    return await writeBatch(deps, sql, batch, (tx) => deps.load(tx, batch.rows));
  }
};

const writeBatch = (
  { clock }: JournalLoaderDeps,
  sql: Sql,
  batch: Batch,
  write: (tx: Transaction) => Promise<unknown>,
): Promise<number | null> =>
  writeVault(sql, clock, async (tx, loaded_at) => {
    const position = await lockPosition(tx, batch.writer);
    if (position !== batch.first_sequence - 1) return position;
    await write(tx);
    await Promise.all([
      insertRefusals(tx, batch.refusals, clock.now()),
      insertJournalBatch(tx, batch, loaded_at),
    ]);
    return null;
  });

/** Lets one loader at a time write a writer's records, and says up to which sequence the vault holds them. */
const lockPosition = async (tx: Transaction, writer: string): Promise<number> => {
  const [, [row]] = await Promise.all([
    tx`select pg_advisory_xact_lock(hashtextextended(${`journal/${writer}`}, 0))`,
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
