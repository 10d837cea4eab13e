import type { Entity } from '../vault/entity.ts';
import { journalFamily } from '../vault/journal-family.ts';
import type { Registry } from '../vault/registry.ts';
import { hashNode } from './merkle.ts';
import type { Subtree } from './subtrees.ts';

/** A line of a bundle; verifier/README.md describes each kind. */
export type BundleLine = Readonly<Record<string, unknown>> & { readonly kind: string };

/**
 * The line that describes a table, so that a verifier can recompute its hashes.
 * @param withhold true if its rows omit secret columns
 */
export const entityLine = (registry: Registry, entity: Entity, withhold: boolean): BundleLine => {
  const { table, kind, hash_key, columns } = entity;
  const names = (of: readonly { readonly name: string }[]): string[] => of.map(({ name }) => name);
  const withheld = withhold ? withheldColumns(entity) : [];
  const family = journalFamily(registry);
  const added = names(columns.filter(({ is_added }) => is_added));
  return {
    kind: 'entity',
    table,
    entity_kind: kind,
    hash_key,
    columns: columns.map(({ name, type }) => ({ name, type })),
    ...(kind === 'hub' ? { business_key: names(entity.business_key) } : {}),
    ...(kind === 'link'
      ? { hubs: entity.hubs.map(({ column }) => column), dependent_key: entity.dependent_key?.name ?? null }
      : {}),
    ...(kind === 'satellite'
      ? { payload: names(entity.payload), sub_key: entity.sub_key, flavour: entity.flavour }
      : {}),
    ...(family?.tables.has(table) === true ? { together: togetherOf(registry) } : {}),
    ...(added.length > 0 ? { added } : {}),
    ...(withheld.length > 0 ? { withheld } : {}),
  };
};

/** Secret columns: they give access or open sealed data. */
export const withheldColumns = ({ columns }: Entity): string[] =>
  columns.filter(({ privacy }) => privacy === 'secret').map(({ name }) => name);

/** The tables that each record of the journal fills: its hub, the links of it, and the satellite that numbers it. */
const togetherOf = (registry: Registry): string[] => {
  const { tables, hub, satellite } = journalFamily(registry)!;
  return [...tables].filter(
    (table) => table === hub.table || table === satellite.table || registry.entities.get(table)?.kind === 'link',
  );
};

/** The largest complete subtrees that cover a range of leaves with any start; from left to right. */
export const coveringSubtrees = (from: number, to: number): Subtree[] => {
  const subtrees: Subtree[] = [];
  for (let next = from; next < to; ) {
    let level = 0;
    while (next % 2 ** (level + 1) === 0 && next + 2 ** (level + 1) <= to) level += 1;
    subtrees.push({ level, index: next / 2 ** level });
    next += 2 ** level;
  }
  return subtrees;
};

/** A complete subtree in the place of omitted leaves of a bundle. */
export interface GapNode extends Subtree {
  readonly hash: Buffer;
}

/** Successive omitted leaves, as the largest complete subtrees of them, in bounded memory. */
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
