import { hashNode } from './merkle.ts';
import type { Subtree } from './subtrees.ts';

/** A complete subtree that stands for leaves which a bundle leaves out. */
export interface GapNode extends Subtree {
  readonly hash: Buffer;
}

/** The leaves left out one after another, as the largest complete subtrees that they make up, in bounded memory. */
export interface Gap {
  add(node: GapNode): void;
  /** The subtrees from left to right; the next gap begins empty. */
  close(): GapNode[];
}

export const createGap = (): Gap => {
  let stack: GapNode[] = [];
  return {
    add: (node) => {
      let top = node;
      for (let left = stack.at(-1); left !== undefined && areSiblings(left, top); left = stack.at(-1)) {
        stack.pop();
        top = { level: top.level + 1, index: left.index / 2, hash: hashNode(left.hash, top.hash) };
      }
      stack.push(top);
    },
    close: () => {
      const closed = stack;
      stack = [];
      return closed;
    },
  };
};

const areSiblings = (left: Subtree, right: Subtree): boolean =>
  left.level === right.level && left.index % 2 === 0 && right.index === left.index + 1;
