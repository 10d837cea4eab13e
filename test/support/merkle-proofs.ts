import { hash } from 'node:crypto';
import { emptyRoot, hashNode } from '../../src/audit/merkle.ts';

const LEAF_PREFIX = Buffer.from([0]);

/** The hash of a leaf: SHA-256(0x00 || entry) (RFC 6962, section 2.1). */
export const hashLeaf = (entry: Uint8Array): Buffer => hash('sha256', Buffer.concat([LEAF_PREFIX, entry]), 'buffer');

export interface InclusionClaim {
  /** Zero-based index. */
  readonly index: number;
  readonly tree_size: number;
  readonly leaf_hash: Uint8Array;
  /** Hashes from the leaf's sibling upwards. */
  readonly path: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** True if a path proves that a leaf is at an index of a tree (RFC 9162, section 2.1.3.2). */
export const verifyInclusion = ({ index, tree_size, leaf_hash, path, root }: InclusionClaim): boolean => {
  if (!isSize(index) || !isSize(tree_size) || index >= tree_size) return false;
  if (![leaf_hash, root, ...path].every(isHash)) return false;
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
 * True if a path proves that the tree of the second size begins with the leaves of the first, unchanged (RFC 9162,
 * section 2.1.4.2). A tree without leaves is a part of every tree, and its path is empty.
 */
export const verifyConsistency = (claim: ConsistencyClaim): boolean => {
  const { first_size, second_size, first_root, second_root } = claim;
  if (!isSize(first_size) || !isSize(second_size) || first_size > second_size) return false;
  if (![first_root, second_root, ...claim.path].every(isHash)) return false;
  if (second_size === 0 && !isEqual(second_root, emptyRoot())) return false;
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

// Sizes may exceed 2^31, which JavaScript's shifts do not support.
const half = (value: number): number => Math.floor(value / 2);

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const HASH_BYTES = 32;
const isHash = (value: Uint8Array): boolean => value.length === HASH_BYTES;

const isPowerOfTwo = (value: number): boolean => 2 ** Math.round(Math.log2(value)) === value;

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
