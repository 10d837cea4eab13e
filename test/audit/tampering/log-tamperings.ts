import type { Transaction } from '../../../src/vault/transaction.ts';
import type { FaultKind } from '../../../verifier/onevault-verify.mjs';
import { checkpointNote, createSigner } from '../../verifier/bundle-fixture.ts';
import type { Random } from './mutate.ts';

/** One change to the log itself, or to much of the vault at once. */
export interface LogTampering {
  readonly kind: string;
  /** The verifier must report one of these faults. */
  readonly expected: readonly FaultKind[];
  /** Returns false if there was nothing to change. */
  apply(tx: Transaction, random: Random): Promise<boolean>;
}

const changedOne = async (changed: PromiseLike<{ readonly count: number }>): Promise<boolean> =>
  (await changed).count > 0;

/** A row of a table, the same for the same random number. */
const place = (random: Random): number => random(1_000_000);

const setBit = (column: string, bit: number): string =>
  `set_bit(${column}, ${bit} % (8 * length(${column})), 1 - get_bit(${column}, ${bit} % (8 * length(${column}))))`;

/** Flips a bit of a bytea column of a random row. */
const flipBytes =
  (table: string, column: string, key: string) =>
  (tx: Transaction, random: Random): Promise<boolean> =>
    changedOne(
      tx.unsafe(
        `update ${table} set ${column} = ${setBit(column, random(100_000))}
         where ${key} = (
           select ${key} from ${table} order by ${key}
           offset ${place(random)} % (select count(*) from ${table}) limit 1)`,
      ),
    );

/** Adds a small number to a column of a random row. */
const add =
  (table: string, column: string, key: string, step = 1) =>
  (tx: Transaction, random: Random): Promise<boolean> =>
    changedOne(
      tx.unsafe(
        `update ${table} set ${column} = ${column} + ${step * (1 + random(3))}
         where ${key} = (
           select ${key} from ${table} order by ${key} desc
           offset ${place(random)} % (select count(*) from ${table}) limit 1)`,
      ),
    );

const deleteOne =
  (table: string, key: string) =>
  (tx: Transaction, random: Random): Promise<boolean> =>
    changedOne(
      tx.unsafe(
        `delete from ${table}
         where ${key} = (
           select ${key} from ${table} order by ${key}
           offset ${place(random)} % (select count(*) from ${table}) limit 1)`,
      ),
    );

/** Deletes the last batches from the tree; with `everything` also all rows about them, as a restored backup would. */
const cutTail =
  (everything: boolean) =>
  async (tx: Transaction, random: Random): Promise<boolean> => {
    const [from] = await tx<{ first_index: number }[]>`
      select first_index
      from audit.sequenced
      order by first_index desc
      offset ${random(3)}
      limit 1`;
    if (everything) {
      await tx`delete from audit.checkpoint where tree_size > ${from!.first_index}`;
      await tx`delete from audit.node where (node_index + 1) * power(256, level) > ${from!.first_index}`;
      await tx`
        delete from audit.leaf_batch
        where leaf_batch_id in (select leaf_batch_id from audit.sequenced where first_index >= ${from!.first_index})`;
    }
    return changedOne(tx`delete from audit.sequenced where first_index >= ${from!.first_index}`);
  };

const dropCustomer = async (tx: Transaction): Promise<boolean> => {
  const [customer] = await tx<{ customer_hk: string }[]>`
    select customer_hk
    from gateway.api_request_l
    where customer_hk <> decode(repeat('00', 32), 'hex')
    limit 1`;
  const key = Buffer.from(customer!.customer_hk, 'hex');
  await tx`
    delete from gateway.api_request_s
    where api_request_hk in (select api_request_hk from gateway.api_request_l where customer_hk = ${key})`;
  await tx`
    delete from gateway.api_request_h
    where api_request_hk in (select api_request_hk from gateway.api_request_l where customer_hk = ${key})`;
  await tx`delete from gateway.customer_config_s where customer_hk = ${key}`;
  await tx`delete from gateway.customer_h where customer_hk = ${key}`;
  return changedOne(tx`delete from gateway.api_request_l where customer_hk = ${key}`);
};

const swapBatches = async (tx: Transaction, random: Random): Promise<boolean> => {
  const pairs = await tx<{ a: number; b: number; first_a: number; first_b: number }[]>`
    select a.leaf_batch_id as a, b.leaf_batch_id as b, a.first_index as first_a, b.first_index as first_b
    from audit.sequenced a
    join audit.sequenced b on b.leaf_count = a.leaf_count and b.first_index > a.first_index
    order by 1, 2`;
  const pair = pairs[random(pairs.length)];
  if (pair === undefined) return false;
  await tx`update audit.sequenced set leaf_batch_id = -1 where first_index = ${pair.first_a}`;
  await tx`update audit.sequenced set leaf_batch_id = ${pair.a} where first_index = ${pair.first_b}`;
  return changedOne(tx`update audit.sequenced set leaf_batch_id = ${pair.b} where first_index = ${pair.first_a}`);
};

const someCheckpoint = async (tx: Transaction, random: Random) => {
  const rows = await tx<{ tree_size: number; note: string }[]>`
    select tree_size, note
    from audit.checkpoint
    order by tree_size`;
  return rows[random(rows.length)]!;
};

/** Replaces the root below the old signature. */
const forgeNote = async (tx: Transaction, random: Random): Promise<boolean> => {
  const { tree_size, note } = await someCheckpoint(tx, random);
  const lines = note.split('\n');
  const root = Buffer.from(lines[2]!, 'base64');
  root[random(32)]! ^= 1 << random(8);
  lines[2] = root.toString('base64');
  return changedOne(tx`
    update audit.checkpoint
    set note = ${lines.join('\n')}, root_hash = ${root}
    where tree_size = ${tree_size}`);
};

const flipSignature = async (tx: Transaction, random: Random): Promise<boolean> => {
  const { tree_size, note } = await someCheckpoint(tx, random);
  const head = note.slice(0, note.lastIndexOf(' ') + 1);
  const bytes = Buffer.from(note.slice(head.length), 'base64');
  bytes[4 + random(64)]! ^= 1 << random(8);
  return changedOne(tx`
    update audit.checkpoint
    set note = ${`${head}${bytes.toString('base64')}\n`}
    where tree_size = ${tree_size}`);
};

/** Signs a checkpoint again with a foreign key under the log's name. */
const replaceCheckpoint = async (tx: Transaction, random: Random): Promise<boolean> => {
  const { tree_size, note } = await someCheckpoint(tx, random);
  const [origin = ''] = note.split('\n');
  const stranger = createSigner(origin);
  const text = note.slice(0, note.indexOf('\n\n') + 1);
  return changedOne(tx`update audit.checkpoint set note = ${stranger.sign(text)} where tree_size = ${tree_size}`);
};

const addForeignCheckpoint = async (tx: Transaction): Promise<boolean> => {
  const { note } = await someCheckpoint(tx, () => 0);
  const [origin = ''] = note.split('\n');
  const [{ size }] = (await tx`select max(tree_size)::integer - 1 as size from audit.checkpoint`) as unknown as [
    { size: number },
  ];
  const hashes = Array.from({ length: size }, () => Buffer.alloc(32));
  return changedOne(tx`
    insert into audit.checkpoint (tree_size, key_id, root_hash, note, checkpoint_at)
    select ${size}, key_id, root_hash, ${checkpointNote(createSigner(origin), hashes, origin)}, checkpoint_at
    from audit.checkpoint
    limit 1`);
};

/** Simulates a restored backup: neither rows nor log contain the last batch. */
const restoreBackup = async (tx: Transaction): Promise<boolean> => {
  const [last] = await tx<{ first_index: number; writer: string; from: number; to: number }[]>`
    select tree.first_index, j.writer, j.first_sequence as from, j.last_sequence as to
    from audit.sequenced tree
    join audit.leaf_batch b using (leaf_batch_id)
    join ops.journal_batch j on j.writer = b.journal_writer and j.first_sequence = b.first_sequence
    order by tree.first_index desc
    limit 1`;
  const { first_index, writer, from, to } = last!;
  for (const table of ['api_request_h', 'api_request_l', 'api_request_route_s', 'api_request_s']) {
    await tx`
      delete from ${tx(`gateway.${table}`)}
      where api_request_hk in (
        select api_request_hk
        from gateway.api_request_s
        where journal_writer = ${writer} and journal_sequence between ${from} and ${to})`;
  }
  await tx`delete from ops.journal_batch where writer = ${writer} and first_sequence = ${from}`;
  return cutTail(true)(tx, () => 0).then((is_cut) => is_cut && first_index > 0);
};

/** Replaces the whole log with another name and key, consistent within the database. */
export const replaceLog = async (tx: Transaction): Promise<boolean> => {
  const origin = 'onevault/ffffffffffffffff';
  const signer = createSigner(origin);
  // Base64 may contain the separator of the parts, too.
  const [, key_id, ...encoded] = signer.verifier_key.split('+') as [string, string, ...string[]];
  await tx`update audit.log set log_id = 'ffffffffffffffff'`;
  await tx`delete from audit.signing_key_retirement`;
  await tx`delete from audit.cosignature`;
  await tx`delete from audit.signing_key where key_number < (select max(key_number) from audit.signing_key)`;
  await tx`
    update audit.signing_key
    set key_id = ${key_id}, name = ${origin}, verifier_key = ${signer.verifier_key},
      public_key = ${Buffer.from(encoded.join('+'), 'base64').subarray(1)}`;
  const checkpoints = await tx<{ tree_size: number; note: string }[]>`
    select distinct on (tree_size) tree_size, note
    from audit.checkpoint
    order by tree_size, key_id`;
  await tx`delete from audit.checkpoint`;
  for (const { tree_size, note } of checkpoints) {
    const [, , root] = note.split('\n');
    const again = signer.sign(`${origin}\n${tree_size}\n${root}\n`);
    await tx`
      insert into audit.checkpoint (tree_size, key_id, root_hash, note, checkpoint_at)
      values (${tree_size}, ${key_id}, ${Buffer.from(root!, 'base64')}, ${again}, now())`;
  }
  return checkpoints.length > 0;
};

/** All known ways to manipulate a log. */
export const LOG_TAMPERINGS: readonly LogTampering[] = [
  {
    kind: 'flip a bit of a leaf hash',
    expected: ['history'],
    apply: flipBytes('audit.leaf_batch', 'leaf_hashes', 'leaf_batch_id'),
  },
  {
    kind: 'flip a bit of a stored subtree',
    expected: ['history'],
    apply: flipBytes('audit.node', 'node_hash', 'node_index'),
  },
  { kind: 'put batches in another order', expected: ['history'], apply: swapBatches },
  {
    kind: 'take a batch out of the tree',
    expected: ['order', 'tail_cut', 'history'],
    apply: deleteOne('audit.sequenced', 'first_index'),
  },
  {
    kind: 'delete a batch of leaves',
    expected: ['history'],
    apply: deleteOne('audit.leaf_batch', 'leaf_batch_id'),
  },
  {
    kind: 'move a batch',
    expected: ['order', 'history'],
    apply: add('audit.sequenced', 'first_index', 'first_index', 1_000),
  },
  { kind: 'cut the tail', expected: ['tail_cut'], apply: cutTail(false) },
  { kind: 'set the log back', expected: ['tail_cut'], apply: cutTail(true) },
  { kind: 'restore an older backup', expected: ['tail_cut'], apply: restoreBackup },
  { kind: 'put another log in its place', expected: ['other_key'], apply: replaceLog },
  { kind: 'drop a customer', expected: ['row_gone'], apply: dropCustomer },
  {
    kind: 'delete a checkpoint',
    expected: ['checkpoint_gone'],
    apply: deleteOne('audit.checkpoint', 'tree_size'),
  },
  { kind: 'change the root of a checkpoint', expected: ['forged_checkpoint'], apply: forgeNote },
  { kind: 'flip a bit of a signature', expected: ['forged_checkpoint'], apply: flipSignature },
  { kind: 'sign a checkpoint with another key', expected: ['other_key'], apply: replaceCheckpoint },
  { kind: 'add a checkpoint by another key', expected: ['other_key'], apply: addForeignCheckpoint },
  {
    kind: "flip a bit of a checkpoint's root column",
    expected: ['forged_checkpoint'],
    apply: flipBytes('audit.checkpoint', 'root_hash', 'tree_size'),
  },
  {
    kind: "change a checkpoint's size column",
    expected: ['forged_checkpoint'],
    apply: add('audit.checkpoint', 'tree_size', 'tree_size'),
  },
  {
    kind: 'flip a bit of a public key',
    expected: ['other_key'],
    apply: flipBytes('audit.signing_key', 'public_key', 'key_id'),
  },
  {
    kind: 'delete a signing key',
    expected: ['forged_checkpoint'],
    apply: deleteOne('audit.signing_key', 'key_id'),
  },
  {
    kind: 'rename the log',
    expected: ['forged_checkpoint'],
    apply: (tx) => changedOne(tx`update audit.log set log_id = 'ffffffffffffffff'`),
  },
  {
    kind: 'queue what is in the tree',
    expected: ['order'],
    apply: (tx) =>
      changedOne(tx`insert into audit.leaf_queue select leaf_batch_id from audit.sequenced order by 1 limit 1`),
  },
  {
    kind: 'change the numbers of a batch of leaves',
    expected: ['row_gone', 'entry'],
    apply: (tx) =>
      changedOne(tx`update audit.leaf_batch set sequences[1] = sequences[1] - 1 where sequences is not null`),
  },
  {
    kind: 'delete a change of the feed',
    expected: ['row_gone', 'history'],
    apply: deleteOne('ops.load_change', 'change_id'),
  },
  {
    kind: 'change the keys in a change of the feed',
    expected: ['row_gone'],
    apply: (tx, random) =>
      changedOne(
        tx.unsafe(
          `update ops.load_change set hash_keys[1] = ${setBit('hash_keys[1]', random(256))} where change_id = (select max(change_id) - ${random(5)} from ops.load_change)`,
        ),
      ),
  },
  {
    kind: 'delete a batch of the journal',
    expected: ['journal_gap', 'row_gone', 'history'],
    apply: (tx) => changedOne(tx`delete from ops.journal_batch where first_sequence = 1`),
  },
  {
    kind: 'change the range of a batch of the journal',
    expected: ['journal_gap'],
    apply: (tx) =>
      changedOne(tx`update ops.journal_batch set last_sequence = last_sequence + 1 where first_sequence = 1`),
  },
  {
    kind: 'change the count of a batch of the journal',
    expected: ['journal_gap'],
    apply: (tx, random) =>
      changedOne(tx`update ops.journal_batch set record_count = record_count + ${1 + random(5)}::integer`),
  },
];
