import type { Transaction } from '../vault/transaction.ts';
import type { Frontier, TreeNode } from './frontier.ts';
import { HASH_BYTES } from './merkle.ts';

// 6.4 MB of hashes: some 0.3 s of work, which is how long rotations and other sequencers wait.
const MAX_LEAVES = 200_000;
const MAX_BATCHES = 5_000;

/**
 * Appends queued batches to the tree, in the order of their ids, as far as one transaction goes. Under the log's lock.
 * @param frontier the tree as it stands; it moves on
 * @returns how many leaves were appended
 * @throws RangeError naming a batch whose hashes are not as many as its leaves
 */
export const sequenceLeaves = async (tx: Transaction, frontier: Frontier, max_leaves = MAX_LEAVES): Promise<number> => {
  const batches = await readQueued(tx, max_leaves);
  const first = frontier.size();
  const sequenced = [];
  const nodes: TreeNode[] = [];
  for (const { leaf_batch_id, leaf_count, leaf_hashes } of batches) {
    const hashes = Buffer.from(leaf_hashes, 'hex');
    if (hashes.length !== leaf_count * HASH_BYTES) {
      throw new RangeError(
        `the leaf batch ${leaf_batch_id} says ${leaf_count} leaves and holds ${hashes.length} bytes of hashes`,
      );
    }
    sequenced.push({ first_index: frontier.size(), leaf_batch_id, leaf_count });
    for (const node of frontier.append(hashes)) nodes.push(node);
  }
  if (sequenced.length === 0) return 0;
  const ids = sequenced.map(({ leaf_batch_id }) => leaf_batch_id);
  await tx`
    insert into audit.sequenced (first_index, leaf_batch_id, leaf_count)
    select *
    from unnest(
      ${sequenced.map(({ first_index }) => first_index)}::bigint[],
      ${ids}::bigint[],
      ${sequenced.map(({ leaf_count }) => leaf_count)}::integer[])`;
  if (nodes.length > 0) {
    await tx`
      insert into audit.node (level, node_index, node_hash)
      select level, node_index, decode(node_hash, 'hex')
      from unnest(
        ${nodes.map(({ level }) => level)}::integer[],
        ${nodes.map(({ node_index }) => node_index)}::bigint[],
        ${nodes.map(({ node_hash }) => node_hash.toString('hex'))}::text[]) as node (level, node_index, node_hash)`;
  }
  await tx`
    delete from audit.leaf_queue
    where leaf_batch_id = any(${ids}::bigint[])`;
  return frontier.size() - first;
};

interface QueuedBatch {
  readonly leaf_batch_id: number;
  readonly leaf_count: number;
  readonly leaf_hashes: string;
}

// A batch in the tree that was queued again by hand stays in the queue, where the check names it.
const readQueued = async (tx: Transaction, max_leaves: number): Promise<readonly QueuedBatch[]> => tx<QueuedBatch[]>`
  select leaf_batch_id, leaf_count, encode(leaf_hashes, 'hex') as leaf_hashes
  from (
    select
      leaf_batch_id,
      batch.leaf_count,
      batch.leaf_hashes,
      sum(batch.leaf_count) over (order by leaf_batch_id) - batch.leaf_count as leaves_before
    from (
      select leaf_batch_id
      from audit.leaf_queue
      where not exists (
        select
        from audit.sequenced
        where sequenced.leaf_batch_id = leaf_queue.leaf_batch_id)
      order by leaf_batch_id
      limit ${MAX_BATCHES}) queued
    join audit.leaf_batch batch using (leaf_batch_id)) counted
  where leaves_before < ${max_leaves}
  order by leaf_batch_id`;
