import type { Sql } from '../postgres/connect.ts';
import type { Transaction } from '../vault/transaction.ts';
import { createFrontier, edgeOf, FAN_OUT, type Frontier } from './frontier.ts';
import { emptyRoot, HASH_BYTES, hashNode, rootOf, splitHashes } from './merkle.ts';
import { type LeafRange, type Subtree, subtreesOf } from './subtrees.ts';

/** The tree lacks hashes that a tree of its size has: rows of the audit tables are gone, or the tree is shorter. */
export class MissingHashError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MissingHashError';
  }
}

/** Hashes of one stored level, from one index up to another, the latter not included. */
interface Run {
  /** 0 for leaves, n for subtrees of 256^n leaves. */
  readonly level: number;
  readonly from: number;
  readonly to: number;
}

const LEVEL_BITS = Math.log2(FAN_OUT);

/** Number of leaves of the tree. */
export const readTreeSize = async (sql: Sql | Transaction): Promise<number> => {
  const [last] = await sql<{ tree_size: number }[]>`
    select first_index + leaf_count as tree_size
    from audit.sequenced
    order by first_index desc
    limit 1`;
  return last?.tree_size ?? 0;
};

/**
 * The roots of complete subtrees of any size, in the given order: two statements for any number of subtrees.
 * @returns 32 bytes each
 * @throws MissingHashError
 */
export const readSubtrees = async (sql: Sql | Transaction, subtrees: readonly Subtree[]): Promise<Buffer[]> => {
  const runs = subtrees.map(({ level, index }) => {
    const stored = Math.floor(level / LEVEL_BITS);
    const width = 2 ** (level - stored * LEVEL_BITS);
    return { level: stored, from: index * width, to: (index + 1) * width };
  });
  const hashes = await readRuns(sql, runs);
  return hashes.map((packed) => rootOf(splitHashes(packed)));
};

/**
 * The roots of ranges of leaves that are subtrees of the RFC's tree, complete or at its right edge, in the given order.
 * @throws MissingHashError
 */
export const readRanges = async (sql: Sql | Transaction, ranges: readonly LeafRange[]): Promise<Buffer[]> => {
  const parts = ranges.map(subtreesOf);
  const hashes = await readSubtrees(sql, parts.flat());
  let next = 0;
  return parts.map(({ length }) => {
    const peaks = hashes.slice(next, next + length);
    next += length;
    return peaks.reduceRight((right, left) => hashNode(left, right));
  });
};

/** The root of the tree's first leaves. @throws MissingHashError */
export const readRoot = async (sql: Sql | Transaction, tree_size: number): Promise<Buffer> => {
  if (tree_size === 0) return emptyRoot();
  const [root] = await readRanges(sql, [{ from: 0, to: tree_size }]);
  return root!;
};

/** The frontier of the tree, which is needed to append to it. @throws MissingHashError */
export const readFrontier = async (sql: Sql | Transaction, tree_size: number): Promise<Frontier> => {
  const edge = await readRuns(sql, edgeOf(tree_size));
  return createFrontier(tree_size, edge.map(splitHashes));
};

const readRuns = async (sql: Sql | Transaction, runs: readonly Run[]): Promise<Buffer[]> => {
  const places = runs.map((_, place) => place);
  const packed = runs.map(() => Buffer.alloc(0));
  const read = async (chosen: readonly number[], query: typeof readLeaves): Promise<void> => {
    if (chosen.length === 0) return;
    const rows = await query(
      sql,
      chosen.map((place) => runs[place]!),
    );
    for (const { place, hashes } of rows) packed[chosen[place - 1]!] = Buffer.from(hashes ?? '', 'hex');
  };
  await read(
    places.filter((place) => runs[place]!.level === 0),
    readLeaves,
  );
  await read(
    places.filter((place) => runs[place]!.level > 0),
    readNodes,
  );
  for (const [place, { level, from, to }] of runs.entries()) {
    if (packed[place]!.length === (to - from) * HASH_BYTES) continue;
    const what = level === 0 ? 'leaves' : `hashes of ${FAN_OUT ** level} leaves`;
    throw new MissingHashError(`the audit log's tree lacks ${what} from index ${from} to ${to - 1}`);
  }
  return packed;
};

interface PackedRow {
  /** 1 and up: which of the runs. */
  readonly place: number;
  readonly hashes: string | null;
}

const readNodes = async (sql: Sql | Transaction, runs: readonly Run[]): Promise<readonly PackedRow[]> => sql<
  PackedRow[]
>`
  select wanted.place::integer as place, found.hashes
  from unnest(
    ${runs.map(({ level }) => level)}::integer[],
    ${runs.map(({ from }) => from)}::bigint[],
    ${runs.map(({ to }) => to)}::bigint[]) with ordinality as wanted (level, from_index, to_index, place)
  cross join lateral (
    select string_agg(node.node_hash, ''::bytea order by node.node_index) as hashes
    from audit.node
    where node.level = wanted.level
      and node.node_index >= wanted.from_index
      and node.node_index < wanted.to_index) found`;

// Only the requested slice of a batch is read from disk: the column is stored uncompressed, out of line.
const readLeaves = async (sql: Sql | Transaction, runs: readonly Run[]): Promise<readonly PackedRow[]> => sql<
  PackedRow[]
>`
  select wanted.place::integer as place, found.hashes
  from unnest(
    ${runs.map(({ from }) => from)}::bigint[],
    ${runs.map(({ to }) => to)}::bigint[]) with ordinality as wanted (from_index, to_index, place)
  cross join lateral (
    select string_agg(
      substring(
        batch.leaf_hashes
        from (greatest(wanted.from_index - part.first_index, 0) * 32 + 1)::integer
        for ((least(wanted.to_index, part.first_index + part.leaf_count)
          - greatest(wanted.from_index, part.first_index)) * 32)::integer),
      ''::bytea order by part.first_index) as hashes
    from (
      (
        select first_index, leaf_batch_id, leaf_count
        from audit.sequenced
        where first_index <= wanted.from_index
        order by first_index desc
        limit 1)
      union all
      select first_index, leaf_batch_id, leaf_count
      from audit.sequenced
      where first_index > wanted.from_index
        and first_index < wanted.to_index) part
    join audit.leaf_batch batch using (leaf_batch_id)
    where part.first_index + part.leaf_count > wanted.from_index) found`;
