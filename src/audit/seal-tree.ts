import { instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import { formatCheckpoint, type TreeHead } from './checkpoint.ts';
import { type Checkpoint, latestCheckpoint } from './checkpoints.ts';
import { insertLog, lockLog, readOrigin } from './current-log.ts';
import { formatNote, signNote } from './note.ts';
import { MissingHashError, readFrontier, readRoot, readTreeSize } from './read-hashes.ts';
import { sequenceLeaves } from './sequence-leaves.ts';
import { currentSigner, type SigningDeps } from './signing-keys.ts';
import { TreeMismatchError } from './tree-mismatch.ts';

// A leaf is covered within 60 s even when five attempts in a row fail.
const CHECKPOINT_INTERVAL_MS = 10_000;

export interface SealInput extends SigningDeps {
  /** The largest checkpoint from outside the database; null without one. */
  readonly published: TreeHead | null;
  /** Compares the tree with what was published also when there is nothing to do. */
  readonly is_check_forced: boolean;
  readonly max_leaves?: number;
}

export interface Sealed {
  /** Number of appended leaves. */
  readonly leaves: number;
  readonly tree_size: number;
  /** True if a checkpoint was signed. */
  readonly is_signed: boolean;
  /** The size of the newest checkpoint, signed by any process; 0 before the first. */
  readonly checkpoint_size: number;
}

/**
 * Appends queued leaves to the tree and, when one is due, signs a checkpoint: one transaction, so that a kill at any
 * moment leaves no gap; a lock and the primary keys see to it that two of them at once make no fork.
 * @throws TreeMismatchError when the tree does not extend what was published; then nothing is written
 */
export const sealTree = async (sql: Sql, input: SealInput): Promise<Sealed> => {
  const { is_needed, ...state } = await findSealState(sql, input);
  if (!is_needed && !input.is_check_forced) return { leaves: 0, is_signed: false, ...state };
  return (await sql.begin(async (tx) => {
    // A crash of the server must not lose a published checkpoint.
    await tx`set local synchronous_commit = on`;
    await lockLog(tx);
    return sealLocked(tx, input);
  })) as Sealed;
};

const sealLocked = async (tx: Transaction, input: SealInput): Promise<Sealed> => {
  const { clock, published } = input;
  const origin = (await readOrigin(tx)) ?? (await insertLog(tx, clock, 'first start'));
  const last = await latestCheckpoint(tx);
  const size_before = await readTreeSize(tx);
  for (const head of [published, last && headOf(last)]) {
    if (head !== null) await assertExtends(tx, { origin, tree_size: size_before }, head);
  }
  const frontier = await readFrontier(tx, size_before);
  const leaves = await sequenceLeaves(tx, frontier, input.max_leaves);
  const tree_size = frontier.size();
  const is_signed = isDue(tree_size, last, clock.now());
  if (is_signed) {
    const root = frontier.root();
    const text = formatCheckpoint({ origin, tree_size, root });
    const signer = await currentSigner(tx, input, origin);
    await tx`
      insert into audit.checkpoint (tree_size, key_id, root_hash, note, checkpoint_at)
      values (
        ${tree_size},
        ${signer.key_id},
        ${root},
        ${formatNote(text, [signNote(text, signer)])},
        ${instantOf(clock.now())})`;
  }
  return { leaves, tree_size, is_signed, checkpoint_size: is_signed ? tree_size : (last?.tree_size ?? 0) };
};

const headOf = ({ origin, tree_size, root_hash }: Checkpoint): TreeHead => ({
  origin,
  tree_size,
  root: Buffer.from(root_hash, 'hex'),
});

/** @throws TreeMismatchError when the tree does not begin with the tree of a checkpoint */
const assertExtends = async (
  tx: Transaction,
  tree: { readonly origin: string; readonly tree_size: number },
  head: TreeHead,
): Promise<void> => {
  if (tree.origin !== head.origin) {
    throw new TreeMismatchError(
      'other-log',
      `the checkpoint files are of the log ${head.origin}, and the database holds ${tree.origin}`,
    );
  }
  if (tree.tree_size < head.tree_size) {
    throw new TreeMismatchError(
      'rewound',
      `the database's tree has ${tree.tree_size} leaves, and a checkpoint of ${head.tree_size} was published`,
    );
  }
  const root = await readRoot(tx, head.tree_size).catch((error: unknown) => {
    if (error instanceof MissingHashError) return null;
    throw error;
  });
  if (root?.equals(head.root) === true) return;
  throw new TreeMismatchError(
    'rewritten',
    `the first ${head.tree_size} leaves of the database's tree are not those of the checkpoint that was published`,
  );
};

interface SealState {
  readonly is_needed: boolean;
  readonly tree_size: number;
  readonly checkpoint_size: number;
}

const findSealState = async (sql: Sql, { clock }: SealInput): Promise<SealState> => {
  const [row] = await sql<{ is_queued: boolean }[]>`
    select exists (select from audit.leaf_queue) as is_queued`;
  const tree_size = await readTreeSize(sql);
  const last = await latestCheckpoint(sql);
  return {
    is_needed: row!.is_queued || isDue(tree_size, last, clock.now()),
    tree_size,
    checkpoint_size: last?.tree_size ?? 0,
  };
};

const isDue = (tree_size: number, last: Checkpoint | null, now_ms: number): boolean => {
  if (last === null) return tree_size > 0;
  const age_ms = now_ms - Date.parse(last.checkpoint_at);
  // A clock that was set back must not keep us from signing until it has caught up.
  return tree_size > last.tree_size && (age_ms >= CHECKPOINT_INTERVAL_MS || age_ms < 0);
};
