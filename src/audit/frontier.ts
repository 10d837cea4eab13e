import { emptyRoot, HASH_BYTES, hashNode, rootOf, splitHashes } from './merkle.ts';

/** Number of hashes under one hash of the next level in audit.node. */
export const FAN_OUT = 256;

/** The root of a complete subtree of 256^level leaves. */
export interface TreeNode {
  /** 1 and up. */
  readonly level: number;
  readonly node_index: number;
  readonly node_hash: Buffer;
}

/** The right edge of a tree, which is enough to append to it and to compute its root. */
export interface Frontier {
  size(): number;
  /**
   * Appends leaves.
   * @param leaf_hashes 32 bytes each, in order
   * @returns the subtrees that became complete
   */
  append(leaf_hashes: Buffer): TreeNode[];
  /** The root as of now. */
  root(): Buffer;
}

/**
 * The frontier of a tree.
 * @param edge by level, what is not yet part of a node of the next one: fewer than 256 hashes each, from left to right
 */
export const createFrontier = (size: number, edge: readonly (readonly Uint8Array[])[]): Frontier => {
  const levels: Uint8Array[][] = edge.map((hashes) => [...hashes]);
  let count = size;

  const push = (level: number, node_hash: Uint8Array, completed: TreeNode[]): void => {
    levels[level] ??= [];
    const hashes = levels[level];
    hashes.push(node_hash);
    if (hashes.length < FAN_OUT) return;
    const parent: TreeNode = {
      level: level + 1,
      node_index: count / FAN_OUT ** (level + 1) - 1,
      node_hash: rootOf(hashes),
    };
    completed.push(parent);
    levels[level] = [];
    push(level + 1, parent.node_hash, completed);
  };

  return {
    size: () => count,
    append(leaf_hashes) {
      if (leaf_hashes.length % HASH_BYTES !== 0) throw new RangeError('a leaf hash is not of 32 bytes');
      const completed: TreeNode[] = [];
      for (const leaf_hash of splitHashes(leaf_hashes)) {
        count += 1;
        push(0, leaf_hash, completed);
      }
      return completed;
    },
    root: () => rootOfEdge(levels),
  };
};

/** Number of hashes of each level of a tree's edge, the leaves first. */
export const edgeOf = (size: number): { readonly level: number; readonly from: number; readonly to: number }[] => {
  const edge = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / FAN_OUT)) {
    edge.push({ level, from: count - (count % FAN_OUT), to: count });
  }
  return edge;
};

const rootOfEdge = (levels: readonly (readonly Uint8Array[])[]): Buffer => {
  let root: Uint8Array | undefined;
  for (const hashes of levels) {
    // Complete subtrees, the smallest first: what is to their right hangs below them.
    for (const peak of peaksOf(hashes).reverse()) root = root === undefined ? peak : hashNode(peak, root);
  }
  return root === undefined ? emptyRoot() : Buffer.from(root);
};

/** The roots of the largest complete subtrees over hashes, from left to right. */
const peaksOf = (hashes: readonly Uint8Array[]): Buffer[] => {
  const peaks: Buffer[] = [];
  for (let from = 0; from < hashes.length; ) {
    const length = 2 ** Math.floor(Math.log2(hashes.length - from));
    peaks.push(rootOf(hashes.slice(from, from + length)));
    from += length;
  }
  return peaks;
};
