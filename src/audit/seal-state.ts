import type { Sql } from '../postgres/connect.ts';
import { latestCheckpoint } from './checkpoints.ts';
import { readTreeSize } from './read-hashes.ts';

/** Lag of the log behind the written rows. */
export interface SealState {
  readonly tree_size: number;
  /** Of the newest checkpoint; null before the first. */
  readonly checkpoint_size: number | null;
  readonly checkpoint_at: string | null;
  /** Instant of the oldest leaf that no checkpoint covers; null if all are covered. */
  readonly oldest_uncovered_at: string | null;
}

/** Reads where the log stands: index look-ups, however long the log. */
export const readSealState = async (sql: Sql): Promise<SealState> => {
  const tree_size = await readTreeSize(sql);
  const last = await latestCheckpoint(sql);
  // Batches are queued and appended in the order of their ids but for moments.
  const [oldest] = await sql<{ queued_at: string | null }[]>`
    select min(batch.queued_at) as queued_at
    from (
      (
        select leaf_batch_id
        from audit.sequenced
        where first_index >= ${last?.tree_size ?? 0}
        order by first_index
        limit 1)
      union all
      (
        select leaf_batch_id
        from audit.leaf_queue
        where not exists (
          select
          from audit.sequenced
          where sequenced.leaf_batch_id = leaf_queue.leaf_batch_id)
        order by leaf_batch_id
        limit 1)) uncovered
    join audit.leaf_batch batch using (leaf_batch_id)`;
  return {
    tree_size,
    checkpoint_size: last?.tree_size ?? null,
    checkpoint_at: last?.checkpoint_at ?? null,
    oldest_uncovered_at: oldest?.queued_at ?? null,
  };
};
