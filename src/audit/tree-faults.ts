import type { Transaction } from '../vault/transaction.ts';

/** A fault by its name in the offline verifier, and a sentence. */
export interface TreeFault {
  readonly fault: 'history' | 'tail_cut' | 'order' | 'forged_checkpoint' | 'other_key';
  readonly message: string;
}

/** Limit of named faults of each kind. */
const NAMED = 20;

/**
 * Contradictions in the log's own tables, found without reading a row of the vault. Not checked, because nothing proves
 * them and no proof needs them: the instants of queued batches, checkpoints, keys and witnesses' signatures.
 */
export const treeFaults = async (tx: Transaction): Promise<TreeFault[]> => {
  const found = await Promise.all([
    placeFaults(tx),
    batchFaults(tx),
    checkpointFaults(tx),
    cosignatureFaults(tx),
    keyFaults(tx),
  ]);
  return found.flat();
};

const placeFaults = (tx: Transaction): Promise<TreeFault[]> => tx<TreeFault[]>`
  select 'order' as fault,
    'batch ' || leaf_batch_id || ' stands at leaf ' || first_index || ' where leaf ' || expected || ' should' as message
  from (
    select first_index, leaf_batch_id,
      coalesce(lag(first_index + leaf_count) over (order by first_index), 0) as expected
    from audit.sequenced) in_tree
  where first_index <> expected
  order by first_index
  limit ${NAMED}`;

const batchFaults = (tx: Transaction): Promise<TreeFault[]> => tx<TreeFault[]>`
  select
    case
      when in_tree.leaf_batch_id is null then 'tail_cut'
      when waiting.leaf_batch_id is not null then 'order'
      else 'history'
    end as fault,
    'batch ' || leaf_batch_id || case
      when batch.leaf_count is null and in_tree.leaf_batch_id is not null then ' of the tree is gone'
      when batch.leaf_count is null then ' waits for the tree and is gone'
      when in_tree.leaf_batch_id is null then ' was taken out of the tree, or never came there'
      when waiting.leaf_batch_id is not null then ' waits for the tree and is in it'
      else ' has another number of leaves than the tree says'
    end as message
  from audit.leaf_batch batch
  full join audit.sequenced in_tree using (leaf_batch_id)
  full join audit.leaf_queue waiting using (leaf_batch_id)
  where num_nonnulls(in_tree.leaf_batch_id, waiting.leaf_batch_id) <> 1
    or batch.leaf_count is null
    or batch.leaf_count <> in_tree.leaf_count
    or length(batch.leaf_hashes) <> 32 * batch.leaf_count
  order by leaf_batch_id
  limit ${NAMED}`;

const checkpointFaults = (tx: Transaction): Promise<TreeFault[]> => tx<TreeFault[]>`
  select 'forged_checkpoint' as fault,
    'the checkpoint of size ' || tree_size || ' (key ' || key_id || ') is not what its note says' as message
  from audit.checkpoint
  left join audit.signing_key key using (key_id)
  left join audit.log on split_part(note, chr(10), 1) = 'onevault/' || log_id
  where key.name is distinct from split_part(note, chr(10), 1)
    or log_id is null
    or split_part(note, chr(10), 2) <> tree_size::text
    or split_part(note, chr(10), 3) <> encode(root_hash, 'base64')
  order by tree_size, key_id
  limit ${NAMED}`;

// Five characters of base64 hold the first 30 bits of a key hash.
const cosignatureFaults = (tx: Transaction): Promise<TreeFault[]> => tx<TreeFault[]>`
  select 'forged_checkpoint' as fault,
    'the signature of the witness ' || witness_name || ' on the checkpoint of size ' || tree_size
      || ' is of another witness, or of another checkpoint' as message
  from audit.cosignature c
  where not starts_with(
      signature_line,
      '— ' || witness_name || ' ' || left(encode(decode(key_hash, 'hex'), 'base64'), 5))
    or not exists (
      select
      from audit.checkpoint
      where checkpoint.tree_size = c.tree_size
        and checkpoint.root_hash = c.root_hash)
  order by tree_size, witness_name
  limit ${NAMED}`;

const keyFaults = (tx: Transaction): Promise<TreeFault[]> => tx<TreeFault[]>`
  select 'other_key' as fault, 'the signing key ' || key_id || ' is not what its verifier key says' as message
  from audit.signing_key
  where verifier_key <> name || '+' || key_id || '+' || encode(decode('01', 'hex') || public_key, 'base64')
    or key_id <> encode(
      substring(sha256(convert_to(name || chr(10), 'UTF8') || decode('01', 'hex') || public_key) from 1 for 4), 'hex')
  union all
  select 'other_key', 'the signing key ' || key_id || ' is retired and was never there'
  from audit.signing_key_retirement
  where key_id not in (select key_id from audit.signing_key)
  limit ${NAMED}`;
