import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { createFrontier } from '../../src/audit/frontier.ts';
import { emptyRoot, rootOf } from '../../src/audit/merkle.ts';
import { consistencyRanges, inclusionRanges, type LeafRange, subtreesOf } from '../../src/audit/subtrees.ts';
import { hashLeaf, verifyConsistency, verifyInclusion } from '../support/merkle-proofs.ts';

// The test vectors of certificate-transparency (merkletree/merkle_tree_test.cc), which many logs are tested with.
const ENTRIES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'));

const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const INCLUSION: readonly {
  readonly index: number;
  readonly size: number;
  readonly path: readonly string[];
}[] = [
  { index: 0, size: 1, path: [] },
  {
    index: 0,
    size: 8,
    path: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    index: 5,
    size: 8,
    path: [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  { index: 2, size: 3, path: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
  {
    index: 1,
    size: 5,
    path: [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
];

const CONSISTENCY: readonly {
  readonly from: number;
  readonly to: number;
  readonly path: readonly string[];
}[] = [
  { from: 1, to: 1, path: [] },
  {
    from: 1,
    to: 8,
    path: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    from: 6,
    to: 8,
    path: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  {
    from: 2,
    to: 5,
    path: [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
];

const LEAVES = ENTRIES.map(hashLeaf);
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe("the Merkle tree of certificate-transparency's test vectors", () => {
  it('has the expected roots', () => {
    assert.equal(emptyRoot().toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (const [place, root] of ROOTS.entries()) {
      assert.equal(rootOf(LEAVES.slice(0, place + 1)).toString('hex'), root, `${place + 1} leaves`);
    }
  });

  it('has the expected inclusion paths', () => {
    for (const { index, size, path } of INCLUSION) {
      const ours = inclusionRanges(index, size).map((range) => rangeRoot(LEAVES, range).toString('hex'));
      assert.deepEqual(ours, path, `leaf ${index} of ${size}`);
      const claim = { index, tree_size: size, leaf_hash: LEAVES[index]!, path: path.map(bytes) };
      assert(verifyInclusion({ ...claim, root: bytes(ROOTS[size - 1]!) }));
    }
  });

  it('has the expected consistency paths', () => {
    for (const { from, to, path } of CONSISTENCY) {
      const ours = consistencyRanges(from, to).map((range) => rangeRoot(LEAVES, range).toString('hex'));
      assert.deepEqual(ours, path, `${from} to ${to}`);
      assert(
        verifyConsistency({
          first_size: from,
          second_size: to,
          first_root: bytes(ROOTS[from - 1]!),
          second_root: bytes(ROOTS[to - 1]!),
          path: path.map(bytes),
        }),
      );
    }
  });
});

describe('the Merkle tree of RFC 6962', () => {
  const sizes = fc.integer({ min: 1, max: 700 });

  it('has the same root from a list and from a frontier that grows in steps of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 }), (steps) => {
        const frontier = createFrontier(0, []);
        let size = 0;
        for (const step of steps) {
          frontier.append(Buffer.concat(leavesOf(size + step).slice(size)));
          size += step;
          const expected = definedRoot(leavesOf(size));
          assert.deepEqual(rootOf(leavesOf(size)), expected);
          assert.deepEqual(frontier.root(), expected);
          assert.equal(frontier.size(), size);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('returns each complete subtree of 256 and of 65,536 leaves once and correctly', () => {
    const leaves = leavesOf(66_000);
    const frontier = createFrontier(0, []);
    const nodes = [0, 100, 65_700].flatMap((from, place, starts) =>
      frontier.append(Buffer.concat(leaves.slice(from, starts[place + 1] ?? leaves.length))),
    );
    assert.equal(nodes.length, 257 + 1);
    for (const { level, node_index, node_hash } of nodes) {
      const width = 256 ** level;
      assert.deepEqual(node_hash, rootOf(leaves.slice(node_index * width, (node_index + 1) * width)));
    }
    assert.deepEqual(frontier.root(), definedRoot(leaves));
  });

  it('proves every leaf, and refuses a proof with another leaf, index, size, path or root', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (tree_size, any, other) => {
        const index = any % tree_size;
        const leaves = leavesOf(tree_size);
        const path = definedPath(index, leaves);
        assert.deepEqual(
          inclusionRanges(index, tree_size).map((range) => rangeRoot(leaves, range)),
          path,
        );
        const claim = { index, tree_size, leaf_hash: leaves[index]!, path, root: definedRoot(leaves) };
        assert(verifyInclusion(claim));
        const wrong = [
          { ...claim, leaf_hash: hashLeaf(Buffer.from('other')) },
          { ...claim, index: tree_size },
          { ...claim, index: -1 },
          { ...claim, index: index + 0.5 },
          { ...claim, root: emptyRoot() },
          { ...claim, root: Buffer.alloc(0) },
          { ...claim, leaf_hash: Buffer.alloc(0), root: Buffer.alloc(0), path: [] },
          { ...claim, leaf_hash: claim.leaf_hash.subarray(1) },
          { ...claim, path: [...path, emptyRoot()] },
          ...(path.length > 0
            ? [
                { ...claim, path: path.slice(1) },
                { ...claim, path: path.slice(0, -1) },
              ]
            : []),
          ...(other % tree_size === index ? [] : [{ ...claim, index: other % tree_size }]),
        ];
        for (const each of wrong) assert(!verifyInclusion(each), JSON.stringify(each.index));
      }),
      { numRuns: 100 },
    );
  });

  it('proves that each tree extends each smaller one, and refuses any other proof', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (second_size, any) => {
        const first_size = any % (second_size + 1);
        const leaves = leavesOf(second_size);
        const path = first_size === 0 ? [] : definedSubproof(first_size, leaves, true);
        assert.deepEqual(
          consistencyRanges(first_size, second_size).map((range) => rangeRoot(leaves, range)),
          path,
        );
        const claim = {
          first_size,
          second_size,
          path,
          first_root: definedRoot(leaves.slice(0, first_size)),
          second_root: definedRoot(leaves),
        };
        assert(verifyConsistency(claim));
        assert(!verifyConsistency({ ...claim, first_root: hashLeaf(Buffer.from('other')) }));
        assert(!verifyConsistency({ ...claim, path: [...path, emptyRoot()] }));
        const empty = { first_size: 0, second_size: 0, first_root: emptyRoot(), path: [] };
        assert(verifyConsistency({ ...empty, second_root: emptyRoot() }));
        assert(!verifyConsistency({ ...empty, second_root: hashLeaf(Buffer.from('other')) }));
        assert(!verifyConsistency({ ...claim, second_root: claim.second_root.subarray(1) }));
        if (first_size > 0) {
          assert(!verifyConsistency({ ...claim, second_root: hashLeaf(Buffer.from('other')) }));
          assert(!verifyConsistency({ ...claim, first_size: second_size + 1 }));
        }
        if (path.length > 0) {
          assert(!verifyConsistency({ ...claim, path: path.slice(0, -1) }));
          assert(!verifyConsistency({ ...claim, path: [] }));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('splits ranges beyond 2^31 leaves like small ones', () => {
    const size = 2 ** 50 + 3;
    const ranges = inclusionRanges(size - 1, size);
    assert.deepEqual(ranges, [
      { from: 2 ** 50, to: 2 ** 50 + 2 },
      { from: 0, to: 2 ** 50 },
    ]);
    assert.deepEqual(subtreesOf({ from: 0, to: 2 ** 53 - 1 })[0], { level: 52, index: 0 });
    assert.equal(subtreesOf({ from: 0, to: 2 ** 53 - 1 }).length, 53);
  });

  it('refuses indices and sizes that no tree has', () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [Number.NaN, 5],
    ] as const) {
      assert.throws(() => inclusionRanges(index, size), RangeError);
    }
    assert.throws(() => consistencyRanges(6, 5), RangeError);
    assert.throws(() => createFrontier(0, []).append(Buffer.alloc(31)), RangeError);
  });
});

const cache: Buffer[] = [];

const leavesOf = (count: number): Buffer[] => {
  while (cache.length < count) cache.push(hashLeaf(Buffer.from(`entry ${cache.length}`)));
  return cache.slice(0, count);
};

const rangeRoot = (leaves: readonly Buffer[], { from, to }: LeafRange): Buffer => rootOf(leaves.slice(from, to));

// RFC 6962, sections 2.1 to 2.1.2, word for word.

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hasher = createHash('sha256');
  for (const part of parts) hasher.update(part);
  return hasher.digest();
};

const splitAt = (count: number): number => {
  let k = 1;
  while (k * 2 < count) k *= 2;
  return k;
};

const definedRoot = (leaves: readonly Buffer[]): Buffer => {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  const k = splitAt(leaves.length);
  return sha256(Buffer.from([1]), definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
};

const definedPath = (m: number, leaves: readonly Buffer[]): Buffer[] => {
  if (leaves.length === 1) return [];
  const k = splitAt(leaves.length);
  return m < k
    ? [...definedPath(m, leaves.slice(0, k)), definedRoot(leaves.slice(k))]
    : [...definedPath(m - k, leaves.slice(k)), definedRoot(leaves.slice(0, k))];
};

const definedSubproof = (m: number, leaves: readonly Buffer[], is_whole: boolean): Buffer[] => {
  if (m === leaves.length) return is_whole ? [] : [definedRoot(leaves)];
  const k = splitAt(leaves.length);
  return m <= k
    ? [...definedSubproof(m, leaves.slice(0, k), is_whole), definedRoot(leaves.slice(k))]
    : [...definedSubproof(m - k, leaves.slice(k), false), definedRoot(leaves.slice(0, k))];
};
