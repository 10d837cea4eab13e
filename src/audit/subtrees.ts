/** A complete subtree: the 2^level leaves from index × 2^level on. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** Leaves from an index up to another, the latter not included, that are a subtree of RFC 6962's tree. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** The complete subtrees that a range consists of, the largest and leftmost first. */
export const subtreesOf = ({ from, to }: LeafRange): Subtree[] => {
  const subtrees: Subtree[] = [];
  for (let next = from; next < to; ) {
    const level = levelOf(to - next);
    subtrees.push({ level, index: next / 2 ** level });
    next += 2 ** level;
  }
  return subtrees;
};

/**
 * The ranges whose roots prove that a leaf is in a tree, from its sibling up (RFC 6962, section 2.1.1).
 * @throws RangeError when the tree has no such leaf
 */
export const inclusionRanges = (index: number, tree_size: number): LeafRange[] => {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < tree_size)) {
    throw new RangeError(`a tree of ${tree_size} leaves has no leaf ${index}`);
  }
  return pathIn({ from: 0, to: tree_size }, index);
};

const pathIn = ({ from, to }: LeafRange, index: number): LeafRange[] => {
  if (to - from === 1) return [];
  const split = from + splitOf(to - from);
  return index < split
    ? [...pathIn({ from, to: split }, index), { from: split, to }]
    : [...pathIn({ from: split, to }, index), { from, to: split }];
};

/**
 * The ranges whose roots prove that one tree is the beginning of another (RFC 6962, section 2.1.2).
 * @throws RangeError when the first is larger than the second
 */
export const consistencyRanges = (first_size: number, second_size: number): LeafRange[] => {
  if (!(Number.isSafeInteger(first_size) && first_size >= 0 && first_size <= second_size)) {
    throw new RangeError(`a tree of ${first_size} leaves is not the beginning of one of ${second_size}`);
  }
  if (first_size === 0) return [];
  return subproof({ from: 0, to: second_size }, first_size, true);
};

const subproof = ({ from, to }: LeafRange, end: number, is_whole: boolean): LeafRange[] => {
  if (end === to) return is_whole ? [] : [{ from, to }];
  const split = from + splitOf(to - from);
  return end <= split
    ? [...subproof({ from, to: split }, end, is_whole), { from: split, to }]
    : [...subproof({ from: split, to }, end, false), { from, to: split }];
};

/** The largest power of two that is smaller than a size of at least 2. */
const splitOf = (size: number): number => 2 ** levelOf(size - 1);

/** The exponent of the largest power of two that is not larger than a size. */
const levelOf = (size: number): number => {
  // Math.log2 rounds up just below the large powers of two.
  let level = Math.floor(Math.log2(size));
  if (2 ** level > size) level -= 1;
  return level;
};
