import { type Clock, instantOf } from '../core/clock.ts';
import { OneVaultError } from '../core/errors.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { createKeys } from './key.ts';
import type { CallRecord, JournalRecord } from './record.ts';
import { type JournalStore, onDisk } from './store.ts';

/** Appends to the journal. Each process has one writer, with its own id and its own sequence without gaps. */
export interface JournalWriter {
  readonly id: string;
  /**
   * Appends a record and resolves with its sequence once it is on disk.
   * @throws OneVaultError `journal_unavailable` if the record cannot be written: disk full or read-only, journal over
   *   its limit. Its sequence is reserved for `refused(record)`, which is written as soon as the disk accepts it.
   */
  append(record: CallRecord): Promise<number>;
  /** True if an append would be tried now. */
  isWritable(): boolean;
  /** Waits for current writes, then marks the writer as ended, so that recovery expects nothing more of it. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly log: Log;
  /** Limit of the records in bytes: an append beyond it is refused, so that a long outage cannot fill the disk. */
  readonly limit_bytes: number;
}

// Delay until the writer notices that a full disk has room again.
const RETRY_MS = 250;
// Delay until the writer notices a journal over its limit: 15 MB late at 10,000 calls/s of 1.5 KB each.
const SIZE_CHECK_MS = 1_000;

/** Registers and opens a new writer. */
export const openWriter = async (options: WriterOptions): Promise<JournalWriter> => {
  const { store, log } = options;
  const id = options.nextId();
  const keyOf = createKeys(id);
  const pending = new Map<number, JournalRecord>();
  const in_flight = new Set<Promise<unknown>>();
  let last_sequence = 0;
  let over_limit = false;
  await onDisk(store.writers.put(id, { opened_at: instantOf(options.clock.now()), last_sequence: null }));

  const write = (sequence: number, record: JournalRecord): Promise<unknown> => {
    const written = onDisk(store.records.put(keyOf(sequence), JSON.stringify(record)));
    in_flight.add(written);
    const done = (): boolean => in_flight.delete(written);
    written.then(done, done);
    return written;
  };

  const writePending = async (): Promise<void> => {
    for (const [sequence, record] of pending) {
      try {
        await write(sequence, record);
        pending.delete(sequence);
        if (pending.size === 0) log.info('the journal takes records again');
      } catch {
        return;
      }
    }
  };
  const retry = setInterval(() => void writePending(), RETRY_MS).unref();
  const watch = setInterval(() => {
    over_limit = bytesOf(store) > options.limit_bytes;
  }, SIZE_CHECK_MS).unref();

  const isWritable = (): boolean => pending.size === 0 && !over_limit;

  return {
    id,
    isWritable,
    append: async (record) => {
      if (!isWritable()) throw new OneVaultError('journal_unavailable', { retry_after_s: 1 });
      const sequence = ++last_sequence;
      try {
        await write(sequence, record);
        return sequence;
      } catch (cause) {
        if (pending.size === 0) log.error({ err: cause }, 'the journal cannot be written; calls are refused');
        pending.set(sequence, refused(record));
        throw new OneVaultError('journal_unavailable', { cause, retry_after_s: 1 });
      }
    },
    close: async () => {
      clearInterval(retry);
      clearInterval(watch);
      await Promise.allSettled(in_flight);
      await writePending();
      if (pending.size > 0) return;
      const entry = store.writers.get(id);
      if (entry !== undefined) await onDisk(store.writers.put(id, { ...entry, last_sequence }));
    },
  };
};

/** Replaces a record that the disk did not accept in time: the call got a 503. */
const refused = (record: CallRecord): CallRecord => ({
  ...record,
  kind: 'outcome',
  call: { ...record.call, response_status: 'REFUSED', http_status: 503, error_code: 'journal_unavailable' },
});

const bytesOf = (store: JournalStore): number => {
  const stats = store.records.getStats() as PageStats;
  return stats.pageSize * (stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages);
};

interface PageStats {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}
