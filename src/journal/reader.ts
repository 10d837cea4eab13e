import { encodeKey, MAX_SEQUENCE, sequenceOf } from './key.ts';
import type { JournalEntry } from './record.ts';
import { type JournalStore, onDisk } from './store.ts';

export interface WriterState {
  readonly id: string;
  readonly opened_at: string;
  /** The last sequence of an ended writer; null while the writer may still append. */
  readonly last_sequence: number | null;
  /** The vault holds the writer's records up to this sequence. */
  readonly position: number;
}

/** All registered writers, oldest first. */
export const listWriters = (store: JournalStore): WriterState[] =>
  [...store.writers.getRange()].map(({ key, value }) => ({
    id: key,
    ...value,
    position: store.positions.get(key) ?? 0,
  }));

/**
 * At most `limit` entries of a writer that directly follow `after_sequence`, in order and without a gap. Reading
 * stops at the first sequence that is not on disk yet.
 */
export const readEntries = (
  store: JournalStore,
  writer: string,
  after_sequence: number,
  limit: number,
): JournalEntry[] => {
  const entries: JournalEntry[] = [];
  const range = { start: encodeKey(writer, after_sequence + 1), end: encodeKey(writer, MAX_SEQUENCE), limit };
  for (const { key, value } of store.records.getRange(range)) {
    const sequence = sequenceOf(key);
    if (sequence !== after_sequence + entries.length + 1) break;
    entries.push({ writer, sequence, text: value });
  }
  return entries;
};

/** All entries of a writer that are still in the journal, in order. */
export const readAll = function* (store: JournalStore, writer: string): Generator<JournalEntry> {
  const range = { start: encodeKey(writer, 0), end: encodeKey(writer, MAX_SEQUENCE) };
  for (const { key, value } of store.records.getRange(range)) {
    yield { writer, sequence: sequenceOf(key), text: value };
  }
};

/**
 * Records that the vault holds a writer's records up to `position`, and removes those of `sequences`, in one
 * transaction. An intent stays until its outcome is in the vault, because recovery reads it.
 */
export const trimEntries = async (
  store: JournalStore,
  writer: string,
  position: number,
  sequences: readonly number[],
): Promise<void> => {
  // LMDB's own thread removes them; `transaction` would block this thread.
  await store.root.batch(() => {
    void store.positions.put(writer, position);
    for (const sequence of sequences) void store.records.remove(encodeKey(writer, sequence));
  });
};

/** Deletes the registration of an ended writer whose records are all in the vault. */
export const forgetWriter = async (store: JournalStore, writer: string): Promise<void> => {
  await onDisk(store.writers.remove(writer));
  await onDisk(store.positions.remove(writer));
};

/** Number of records in the journal. */
export const countEntries = (store: JournalStore): number =>
  (store.records.getStats() as { entryCount: number }).entryCount;
