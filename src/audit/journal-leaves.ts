import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import { entryOf, leafHash } from './entry.ts';

/** The leaves of one batch of the journal: one for each record that has rows. */
export interface JournalLeaves {
  /** The records' sequences, ascending. */
  readonly sequences: readonly number[];
  /** The leaves' hashes in that order, one after another, as lower-case hex. */
  readonly leaf_hashes: string;
}

/** The leaves of a batch in the making. */
export interface JournalLeavesDraft {
  /** Takes in the rows of a record, whose sequence is greater than all before. */
  add(sequence: number, rows: readonly VaultRow[]): void;
  finish(): JournalLeaves;
}

/** The row of ops.journal_batch that leaves belong to, and the instant of their queueing (ISO 8601, UTC). */
export interface LeafBatch {
  readonly writer: string;
  readonly first_sequence: number;
  readonly queued_at: string;
}

/** Logs what the loader of the journal brings in. */
export interface JournalLog {
  /** Begins the leaves of a batch. */
  start(): JournalLeavesDraft;
  /** Queues the leaves of a batch that went in as it is: every row of it is in the vault now, and none was before. */
  insert(tx: Transaction, batch: LeafBatch, leaves: JournalLeaves): Promise<void>;
  /**
   * Queues the leaves of the rows that the vault has of a batch, whose row in ops.journal_batch exists already: for
   * batches whose rows were not all inserted as they are.
   */
  queue(tx: Transaction, batch: LeafBatch): Promise<void>;
}

export const createJournalLog = (registry: Registry): JournalLog => ({
  start: () => startLeaves(registry),
  insert: insertLeaves,
  queue: async (tx, { writer, first_sequence, queued_at }) => {
    await tx`select audit.queue_journal_batch(${writer}, ${first_sequence}, ${queued_at})`;
  },
});

const startLeaves = (registry: Registry): JournalLeavesDraft => {
  const sequences: number[] = [];
  const leaf_hashes: string[] = [];
  return {
    add: (sequence, rows) => {
      sequences.push(sequence);
      leaf_hashes.push(leafHash(entryOf(registry, rows)));
    },
    finish: () => ({ sequences, leaf_hashes: leaf_hashes.join('') }),
  };
};

const insertLeaves: JournalLog['insert'] = async (
  tx,
  { writer, first_sequence, queued_at },
  { sequences, leaf_hashes },
) => {
  if (sequences.length === 0) return;
  const offsets = sequences.map((sequence) => sequence - first_sequence);
  await tx`
    insert into audit.leaf_batch (journal_writer, first_sequence, sequences, leaf_count, leaf_hashes, queued_at)
    values (
      ${writer},
      ${first_sequence},
      ${`{${offsets.join(',')}}`}::text::integer[],
      ${sequences.length},
      decode(${leaf_hashes}::text, 'hex'),
      ${queued_at}
    )`;
};
