import { hash } from 'node:crypto';

/** Bytes of a hash of the tree: SHA-256's. */
export const HASH_BYTES = 32;

const NODE_PREFIX = 1;

const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');

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
