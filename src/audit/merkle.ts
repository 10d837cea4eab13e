import { hash } from 'node:crypto';

/** Bytes of a hash of the tree: SHA-256's. */
export const HASH_BYTES = 32;

const LEAF_PREFIX = Buffer.from([0]);
const NODE_PREFIX = 1;

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

/** The hash of a leaf: SHA-256(0x00 || entry) (RFC 6962, section 2.1). */
export const hashLeaf = (entry: Uint8Array): Buffer => sha256(Buffer.concat([LEAF_PREFIX, entry]));

/** The hash of a node: SHA-256(0x01 || left || right) (RFC 6962, section 2.1). */
export const hashNode = (left: Uint8Array, right: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = NODE_PREFIX;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return sha256(bytes);
};

/** The root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot = (): Buffer => sha256(Buffer.alloc(0));

/** Hashes that stand one after another in a buffer. */
export const splitHashes = (packed: Buffer): Buffer[] =>
  Array.from({ length: packed.length / HASH_BYTES }, (_, place) =>
    packed.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES),
  );

/**
 * The root over hashes in order: the Merkle tree hash of RFC 6962, section 2.1, given its leaves' hashes, or those of
 * complete subtrees of one size.
 */
export const rootOf = (hashes: readonly Uint8Array[]): Buffer => {
  if (hashes.length === 0) return emptyRoot();
  // Pairing level by level, the odd one carried up unchanged, is the RFC's split at the largest power of two.
  let level = hashes;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let place = 0; place + 1 < level.length; place += 2) {
      above.push(hashNode(level[place]!, level[place + 1]!));
    }
    if (level.length % 2 === 1) above.push(level.at(-1)!);
    level = above;
  }
  return Buffer.from(level[0]!);
};

export interface InclusionClaim {
  /** Zero-based. */
  readonly index: number;
  readonly tree_size: number;
  readonly leaf_hash: Uint8Array;
  /** From the leaf's sibling up. */
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** Whether a path proves that a leaf stands at an index of a tree (RFC 9162, section 2.1.3.2). */
export const verifyInclusion = ({ index, tree_size, leaf_hash, path, root }: InclusionClaim): boolean => {
  if (!isSize(index) || !isSize(tree_size) || index >= tree_size) return false;
  let place = index;
  let last = tree_size - 1;
  let computed = leaf_hash;
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      computed = hashNode(sibling, computed);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      computed = hashNode(computed, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isEqual(computed, root);
};

export interface ConsistencyClaim {
  readonly first_size: number;
  readonly second_size: number;
  readonly first_root: Uint8Array;
  readonly second_root: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/**
 * Whether a path proves that the tree of the second size begins with the leaves of the first, unchanged (RFC 9162,
 * section 2.1.4.2). A tree without leaves is a part of every tree, and its path is empty.
 */
export const verifyConsistency = (claim: ConsistencyClaim): boolean => {
  const { first_size, second_size, first_root, second_root } = claim;
  if (!isSize(first_size) || !isSize(second_size) || first_size > second_size) return false;
  if (first_size === 0) return claim.path.length === 0 && isEqual(first_root, emptyRoot());
  if (first_size === second_size) return claim.path.length === 0 && isEqual(first_root, second_root);
  const path = isPowerOfTwo(first_size) ? [first_root, ...claim.path] : claim.path;
  const [start, ...rest] = path;
  if (start === undefined) return false;
  let place = first_size - 1;
  let last = second_size - 1;
  while (place % 2 === 1) [place, last] = [half(place), half(last)];
  let [first, second] = [start, start];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      first = hashNode(sibling, first);
      second = hashNode(sibling, second);
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)];
    } else {
      second = hashNode(second, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isEqual(first, first_root) && isEqual(second, second_root);
};

// Sizes pass 2^31, where JavaScript's shifts end.
const half = (value: number): number => Math.floor(value / 2);

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const isPowerOfTwo = (value: number): boolean => 2 ** Math.round(Math.log2(value)) === value;

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
