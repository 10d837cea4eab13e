import type { Transaction } from '../../vault/transaction.ts';
import type { CheckpointPoint, LogCoverage } from './evidence-block.ts';
import type { ReportParameters } from './report-input.ts';

/**
 * Places of the calls of a report's period in the audit log. Only checkpoints up to the report's instant count, and
 * leaves before a checkpoint never move, so that the same report never changes.
 */
export const readLogCoverage = async (tx: Transaction, { from, to, known }: ReportParameters): Promise<LogCoverage> => {
  const checkpoint = await lastCheckpoint(tx, known, null);
  const [row] = await tx<[{ first_leaf: number | null; next_leaf: number | null; not_covered: number }]>`
    select
      min(place.first_index) as first_leaf,
      max(place.first_index + place.leaf_count) as next_leaf,
      count(*) filter (where place.first_index is null) as not_covered
    from ops.journal_batch batch
    left join audit.leaf_batch leaves
      on leaves.journal_writer = batch.writer
      and leaves.first_sequence = batch.first_sequence
    left join audit.sequenced place
      on place.leaf_batch_id = leaves.leaf_batch_id
      and place.first_index < ${checkpoint?.tree_size ?? 0}
    where batch.loaded_at <= ${known}::text::timestamptz
      and batch.first_instant < ${to}::text::timestamptz
      and batch.last_instant >= ${from}::text::timestamptz`;
  const { first_leaf, next_leaf, not_covered } = row!;
  return {
    leaves: first_leaf === null || next_leaf === null ? null : { from: first_leaf, to: next_leaf },
    checkpoint_before: first_leaf === null ? null : await lastCheckpoint(tx, known, first_leaf),
    checkpoint,
    batches_not_covered: not_covered,
  };
};

/** The largest checkpoint up to an instant, of the log of that time, with at most `max_leaves` leaves. */
const lastCheckpoint = async (
  tx: Transaction,
  known: string,
  max_leaves: number | null,
): Promise<CheckpointPoint | null> => {
  const [row] = await tx<CheckpointPoint[]>`
    select
      key.name as origin,
      checkpoint.tree_size,
      encode(checkpoint.root_hash, 'hex') as root_hash,
      min(checkpoint.checkpoint_at) as checkpoint_at
    from audit.checkpoint
    join audit.signing_key key using (key_id)
    where checkpoint.checkpoint_at <= ${known}::text::timestamptz
      ${max_leaves === null ? tx`` : tx`and checkpoint.tree_size <= ${max_leaves}`}
      and key.name = (
        select 'onevault/' || log_id
        from audit.log
        where created_at <= ${known}::text::timestamptz
        order by created_at desc, log_id
        limit 1)
    group by key.name, checkpoint.tree_size, checkpoint.root_hash
    order by checkpoint.tree_size desc
    limit 1`;
  return row === undefined ? null : { ...row };
};
