import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import { HASH_BYTES } from './merkle.ts';
import { MissingHashError } from './read-hashes.ts';
import type { LeafRange } from './subtrees.ts';

interface PartBase {
  /** Index of its first leaf in the tree. */
  readonly first_index: number;
  /** Number of leaves before it in its batch. */
  readonly skip: number;
  /** Number of its leaves. */
  readonly take: number;
  /** The hashes of its leaves, lower-case hex. */
  readonly leaf_hashes: readonly string[];
}

/** Leaves of a batch of the journal. */
export interface JournalPart extends PartBase {
  readonly origin: 'journal';
  readonly writer: string;
  /** The journal's sequence of each leaf's record. */
  readonly sequences: readonly number[];
  /** Between which the load_date of its calls lies; null where its row in ops.journal_batch is gone. */
  readonly first_load_date: string | null;
  readonly last_load_date: string | null;
}

/** Leaves of a change. */
export interface ChangePart extends PartBase {
  readonly origin: 'change';
  readonly change_id: number;
  /** Null where its row in ops.load_change is gone. */
  readonly table_name: string | null;
}

export type LeafPart = JournalPart | ChangePart;

/**
 * The parts of batches that make up a range of leaves, as far as the tree goes on.
 * @param range not empty, and of a few thousand leaves
 * @throws MissingHashError when the tree lacks the range's first leaf, or has a gap
 */
export const readParts = async (sql: Sql | Transaction, range: LeafRange): Promise<LeafPart[]> => {
  const batches = await sql<BatchRow[]>`
    select tree.first_index, tree.leaf_count, batch.leaf_batch_id, batch.journal_writer, batch.first_sequence,
      batch.sequences, batch.change_id, batch.leaf_hashes, journal.first_load_date, journal.last_load_date,
      change.table_name
    from audit.sequenced tree
    left join audit.leaf_batch batch using (leaf_batch_id)
    left join ops.journal_batch journal
      on journal.writer = batch.journal_writer and journal.first_sequence = batch.first_sequence
    left join ops.load_change change on change.change_id = batch.change_id
    where tree.first_index >= coalesce((
        select max(first_index) from audit.sequenced where first_index <= ${range.from}), 0)
      and tree.first_index < ${range.to}
    order by tree.first_index`;
  if (batches.length === 0) throw missing(range.from);
  let next = range.from;
  return batches.map((batch) => {
    const part = partOf(batch, { from: next, to: range.to });
    next = part.first_index + part.take;
    return part;
  });
};

interface BatchRow {
  readonly first_index: number;
  readonly leaf_count: number;
  readonly leaf_batch_id: number | null;
  readonly journal_writer: string | null;
  readonly first_sequence: number | null;
  readonly sequences: readonly number[] | null;
  readonly change_id: number | null;
  readonly leaf_hashes: string | null;
  readonly first_load_date: string | null;
  readonly last_load_date: string | null;
  readonly table_name: string | null;
}

const HASH_DIGITS = 2 * HASH_BYTES;

const partOf = (batch: BatchRow, { from, to }: LeafRange): LeafPart => {
  const { first_index, leaf_count, leaf_batch_id, leaf_hashes } = batch;
  const skip = from - first_index;
  const take = Math.min(leaf_count, to - first_index) - skip;
  if (skip < 0 || take <= 0 || leaf_batch_id === null || leaf_hashes?.length !== leaf_count * HASH_DIGITS) {
    throw missing(from);
  }
  const part = {
    first_index: from,
    skip,
    take,
    leaf_hashes: Array.from({ length: take }, (_, place) =>
      leaf_hashes.slice((skip + place) * HASH_DIGITS, (skip + place + 1) * HASH_DIGITS),
    ),
  };
  const { change_id, table_name, journal_writer, first_sequence, sequences } = batch;
  if (change_id !== null) return { ...part, origin: 'change', change_id, table_name };
  return {
    ...part,
    origin: 'journal',
    writer: journal_writer!,
    sequences: sequences!.slice(skip, skip + take).map((sequence) => first_sequence! + sequence),
    first_load_date: batch.first_load_date,
    last_load_date: batch.last_load_date,
  };
};

const missing = (index: number): MissingHashError =>
  new MissingHashError(`the audit log's tree lacks the leaf ${index}, or the batch that holds it`);
