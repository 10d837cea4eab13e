import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { Checkpoint } from './checkpoints.ts';
import { readRanges } from './read-hashes.ts';
import { consistencyRanges, inclusionRanges } from './subtrees.ts';

/**
 * Proves that a leaf is in the tree of a size: two statements.
 * @returns the hashes from the leaf's sibling up (RFC 6962, section 2.1.1), 32 bytes each
 * @throws RangeError when that tree has no such leaf; MissingHashError when the tree is shorter or damaged
 */
export const inclusionProof = async (
  sql: Sql | Transaction,
  { index, tree_size }: { readonly index: number; readonly tree_size: number },
): Promise<Buffer[]> => readRanges(sql, inclusionRanges(index, tree_size));

/**
 * Proves that the tree of one size is the beginning of the tree of another: two statements.
 * @returns the hashes (RFC 6962, section 2.1.2), 32 bytes each; none when the sizes are equal or the first is 0
 * @throws RangeError when `from` is larger than `to`; MissingHashError when the tree is shorter or damaged
 */
export const consistencyProof = async (sql: Sql | Transaction, from: number, to: number): Promise<Buffer[]> =>
  readRanges(sql, consistencyRanges(from, to));

/**
 * A proof that verifies offline (C2SP tlog-proof): the index, the path and the checkpoint.
 * @param extra what the reader needs to make the leaf's hash, as its entry; it is not signed
 * @throws RangeError when the checkpoint's tree has no such leaf
 */
export const proofText = async (
  sql: Sql | Transaction,
  {
    index,
    checkpoint,
    extra,
  }: { readonly index: number; readonly checkpoint: Checkpoint; readonly extra?: Uint8Array },
): Promise<string> => {
  const path = await inclusionProof(sql, { index, tree_size: checkpoint.tree_size });
  const lines = [
    'c2sp.org/tlog-proof@v1',
    ...(extra === undefined ? [] : [`extra ${Buffer.from(extra).toString('base64')}`]),
    `index ${index}`,
    ...path.map((hash) => hash.toString('base64')),
  ];
  return `${lines.join('\n')}\n\n${checkpoint.note}`;
};
