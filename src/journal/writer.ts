import { type Clock, instantOf } from '../core/clock.ts';
import { OneVaultError } from '../core/errors.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { createKeys } from './key.ts';
import type { CallRecord, JournalRecord } from './record.ts';
import { type JournalStore, onDisk } from './store.ts';

/** Appends to the journal. One process has one, with an id and a gapless sequence of its own. */
export interface JournalWriter {
  readonly id: string;
  /**
   * Appends a record and resolves with its sequence once it is on disk.
   * @throws OneVaultError `journal_unavailable` when it cannot be written: disk full or read-only, journal over
   *   its limit. Its sequence is kept for `refused(record)`, which is written as soon as the disk takes it.
   */
  append(record: CallRecord): Promise<number>;
  /** Whether an append now would be tried at all. */
  isWritable(): boolean;
  /** Waits for what is under way, then marks the writer as ended, so that nothing more is expected of it. */
  close(): Promise<void>;
}

export interface WriterOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly log: Log;
  /** Bytes of records beyond which appends are refused, so that a long outage of the vault cannot fill the disk. */
  readonly limit_bytes: number;
}

// How soon a full disk that has room again is noticed.
const RETRY_MS = 250;
// How soon a journal over its limit is noticed: at 10,000 calls/s of 1.5 KB each, 15 MB late.
const SIZE_CHECK_MS = 1_000;

/** Registers a new writer and opens it. */
export const openWriter = async (options: WriterOptions): Promise<JournalWriter> => {
  const { store, log } = options;
  const id = options.nextId();
  const keyOf = createKeys(id);
  const owed = new Map<number, JournalRecord>();
  const under_way = new Set<Promise<unknown>>();
  let last_sequence = 0;
  let over_limit = false;
  await onDisk(store.writers.put(id, { opened_at: instantOf(options.clock.now()), last_sequence: null }));

  const write = (sequence: number, record: JournalRecord): Promise<unknown> => {
    const written = onDisk(store.records.put(keyOf(sequence), JSON.stringify(record)));
    under_way.add(written);
    const done = (): boolean => under_way.delete(written);
    written.then(done, done);
    return written;
  };

  const settleOwed = async (): Promise<void> => {
    for (const [sequence, record] of owed) {
      try {
        await write(sequence, record);
        owed.delete(sequence);
        if (owed.size === 0) log.info('the journal takes records again');
      } catch {
        return;
      }
    }
  };
  const retry = setInterval(() => void settleOwed(), RETRY_MS).unref();
  const watch = setInterval(() => {
    over_limit = bytesOf(store) > options.limit_bytes;
  }, SIZE_CHECK_MS).unref();

  const isWritable = (): boolean => owed.size === 0 && !over_limit;

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
        if (owed.size === 0) log.error({ err: cause }, 'the journal cannot be written; calls are refused');
        owed.set(sequence, refused(record));
        throw new OneVaultError('journal_unavailable', { cause, retry_after_s: 1 });
      }
    },
    close: async () => {
      clearInterval(retry);
      clearInterval(watch);
      await Promise.allSettled(under_way);
      await settleOwed();
      if (owed.size > 0) return;
      const entry = store.writers.get(id);
      if (entry !== undefined) await onDisk(store.writers.put(id, { ...entry, last_sequence }));
    },
  };
};

/** What is written in the place of a record that the disk did not take in time: the call was answered with 503. */
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
