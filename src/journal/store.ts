import { type Database, open, type RootDatabase } from 'lmdb';

/** The journal's files: one LMDB environment with the records, the writers and their positions. */
export interface JournalStore {
  readonly root: RootDatabase<string, Buffer>;
  readonly records: Database<string, Buffer>;
  readonly writers: Database<WriterEntry, string>;
  /** By writer: the vault holds its records up to this sequence. Only the reader writes it. */
  readonly positions: Database<number, string>;
}

export interface WriterEntry {
  readonly opened_at: string;
  /** The last sequence of a writer that ended itself or by recovery; null while it may still append. */
  readonly last_sequence: number | null;
}

/**
 * Opens the journal in the folder `path`, which it creates if missing. Several processes may open it at once.
 * `separateFlushed`: the promise of a put has `flushed`, which resolves once the record is on disk.
 */
export const openStore = (path: string): JournalStore => {
  const root = open<string, Buffer>({ path, noSubdir: false, separateFlushed: true, maxDbs: 3 });
  return {
    root,
    records: root.openDB<string, Buffer>('records', { keyEncoding: 'binary', encoding: 'string' }),
    writers: root.openDB<WriterEntry, string>('writers', { encoding: 'json' }),
    positions: root.openDB<number, string>('positions', { encoding: 'json' }),
  };
};

/** Resolves once `put` is on disk. LMDB's type declarations lack `flushed`. */
export const onDisk = (put: Promise<boolean>): Promise<unknown> =>
  put.then(() => (put as Promise<boolean> & { flushed: Promise<unknown> }).flushed);
