import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import { type BundleLine, coveringSubtrees, createGap, entityLine, withheldColumns } from './bundle-lines.ts';
import { createOwnership } from './bundle-owner.ts';
import { latestCheckpoint, listKeys } from './checkpoints.ts';
import { CertificateNotCoveredError, certificatesBeyond } from './destroyed.ts';
import { readSubtrees } from './read-hashes.ts';
import type { LoggedLeaf, ReadLeaves } from './read-leaves.ts';

export interface BundleDeps {
  readonly registry: Registry;
  readonly readLeaves: ReadLeaves;
}

export interface BundleInput {
  /** The first leaf. */
  readonly from: number;
  /** The end of the range, excluded. */
  readonly to: number;
  /** Number of leaves that the newest checkpoint covers. */
  readonly tree_size: number;
  /** The part of the log, for the first line; null fields for everything. */
  readonly scope: {
    readonly from: string | null;
    readonly to: string | null;
    readonly customer: string | null;
  };
  /** The hash key (hex) of the customer whose rows alone it holds; null for everybody's. */
  readonly customer_hk: string | null;
  /** Number of leaves of the log, with those that no checkpoint covers yet. */
  readonly log_size: number;
  /** True if secret columns are left out; a verification of the vault itself reads them. */
  readonly is_shown: boolean;
  readonly made_at: string;
  /** The newest one, which all is proven against. */
  readonly checkpoint: { readonly origin: string; readonly note: string } | null;
}

/**
 * The lines of a bundle (verifier/README.md), in bounded memory.
 * @param sql one transaction of isolation level repeatable read, so that all lines are of one moment
 * @throws MissingHashError when the tree lacks hashes that the bundle needs; CertificateNotCoveredError when a part
 *   of everything was destroyed so lately that its certificate cannot be in it
 */
export async function* bundleLines(
  sql: Transaction,
  { registry, readLeaves }: BundleDeps,
  input: BundleInput,
): AsyncGenerator<readonly BundleLine[]> {
  const { from, to, tree_size, customer_hk } = input;
  const counts = { leaves: 0, rows: 0, destroyed: 0 };
  yield await openingLines(sql, input);
  const is_whole = from === 0 && to >= tree_size && customer_hk === null;
  const waiting = is_whole ? await certificatesBeyond(sql, registry, to) : [];
  if (waiting.length > 0 && input.is_shown) throw new CertificateNotCoveredError();
  if (is_whole) yield* journalLines(sql);
  yield await nodeLines(sql, 0, from);
  const isOwned = customer_hk === null ? () => true : await createOwnership(sql, registry, customer_hk);
  const checkpoints = await createCheckpointQueue(sql, from, Math.min(to, tree_size - 1));
  const described = new Set<string>();
  const gap = createGap();
  for await (const page of readLeaves(sql, { from, to })) {
    const lines: BundleLine[] = [];
    const closeGap = (): void => {
      for (const { level, index, hash } of gap.close()) {
        lines.push({ kind: 'node', level, index, hash: hash.toString('hex') });
      }
    };
    for (const leaf of page) {
      if (leaf.certificate !== null && is_whole) {
        addDestroyed(lines, leaf);
        counts.destroyed += 1;
      } else if (leaf.certificate === null && (leaf.rows.length === 0 || isOwned(leaf.rows))) {
        closeGap();
        lines.push(...newEntities(registry, leaf.rows, described, input.is_shown), leafLine(registry, leaf, input));
        counts.leaves += 1;
        counts.rows += leaf.rows.length;
      } else {
        gap.add({ level: 0, index: leaf.index, hash: Buffer.from(leaf.leaf_hash, 'hex') });
      }
      const notes = await checkpoints.take(leaf.index + 1);
      if (notes.length > 0) closeGap();
      for (const note of notes) lines.push({ kind: 'checkpoint', note });
    }
    yield lines;
  }
  yield gap.close().map(({ level, index, hash }) => ({ kind: 'node', level, index, hash: hash.toString('hex') }));
  yield await nodeLines(sql, to, Math.min(tree_size, input.log_size));
  if (waiting.length > 0) {
    yield [...newEntities(registry, waiting, described, input.is_shown), { kind: 'waiting', rows: waiting }];
    counts.rows += waiting.length;
  }
  yield [{ kind: 'end', ...counts }];
}

/** Leaves of destroyed calls that follow one another are one line: they have nothing but their hashes. */
const addDestroyed = (lines: BundleLine[], { index, leaf_hash, certificate }: LoggedLeaf): void => {
  const last = lines.at(-1);
  if (last?.kind === 'destroyed' && last.certificate === certificate) (last.hashes as string[]).push(leaf_hash);
  else lines.push({ kind: 'destroyed', certificate, index, hashes: [leaf_hash] });
};

const openingLines = async (
  sql: Transaction,
  { tree_size, scope, made_at, checkpoint }: BundleInput,
): Promise<BundleLine[]> => {
  const keys = await listKeys(sql);
  const origin = checkpoint?.origin ?? null;
  return [
    { kind: 'bundle', format: 'onevault-bundle/v1', origin, tree_size, made_at, scope },
    ...keys.map(({ key_id, verifier_key, first_size, last_size }) => ({
      kind: 'key',
      key_id,
      verifier_key,
      first_size,
      last_size,
    })),
    ...(checkpoint === null ? [] : [{ kind: 'checkpoint', note: checkpoint.note }]),
  ];
};

const newEntities = (
  registry: Registry,
  rows: readonly VaultRow[],
  described: Set<string>,
  is_shown: boolean,
): BundleLine[] =>
  rows.flatMap(({ table }) => {
    const entity = registry.entities.get(table);
    if (entity === undefined || described.has(table)) return [];
    described.add(table);
    return [entityLine(registry, entity, is_shown)];
  });

const leafLine = (registry: Registry, leaf: LoggedLeaf, { is_shown }: BundleInput): BundleLine => ({
  kind: 'leaf',
  index: leaf.index,
  hash: leaf.leaf_hash,
  ...(leaf.gone === null ? {} : { gone: leaf.gone }),
  rows: is_shown ? leaf.rows.map((row) => shownRow(registry, row)) : leaf.rows,
});

const shownRow = (registry: Registry, { table, values }: VaultRow): VaultRow => {
  const entity = registry.entities.get(table);
  const withheld = entity === undefined ? [] : withheldColumns(entity);
  if (withheld.length === 0) return { table, values };
  const shown = Object.entries(values).filter(([name]) => !withheld.includes(name));
  return { table, values: Object.fromEntries(shown) };
};

/** Nodes that stand for all leaves of a range. */
const nodeLines = async (sql: Transaction, from: number, to: number): Promise<BundleLine[]> => {
  const subtrees = coveringSubtrees(from, to);
  if (subtrees.length === 0) return [];
  const hashes = await readSubtrees(sql, subtrees);
  return subtrees.map(({ level, index }, at) => ({
    kind: 'node',
    level,
    index,
    hash: hashes[at]!.toString('hex'),
  }));
};

const PAGE = 1_000;

interface StoredNote {
  readonly tree_size: number;
  readonly note: string;
}

/** The earlier checkpoints of the log that is kept now, at their places; they are read in pages. */
const createCheckpointQueue = async (sql: Transaction, after: number, to: number) => {
  let page: StoredNote[] = [];
  let reached = after;
  const read = async (): Promise<void> => {
    const rows = await sql<StoredNote[]>`
      select checkpoint.tree_size, checkpoint.note
      from audit.checkpoint
      where checkpoint.tree_size > ${reached}
        and checkpoint.tree_size <= ${to}
        and left(checkpoint.note, position(chr(10) in checkpoint.note)) = (
          select 'onevault/' || log_id || chr(10)
          from audit.log
          order by created_at desc, log_id
          limit 1)
      order by checkpoint.tree_size, checkpoint.key_id
      limit ${PAGE}`;
    // Those of one size stay together.
    const last = rows.length === PAGE ? rows.at(-1)!.tree_size : null;
    page = rows.filter(({ tree_size }) => tree_size !== last || rows[0]!.tree_size === last);
    reached = page.at(-1)?.tree_size ?? to;
  };
  await read();
  return {
    /** The notes of a size, which grows from call to call. */
    take: async (size: number): Promise<string[]> => {
      const notes: string[] = [];
      for (let next = page[0]; next !== undefined && next.tree_size <= size; next = page[0]) {
        page.shift();
        notes.push(next.note);
        if (page.length === 0 && reached < to) await read();
      }
      return notes;
    },
  };
};

async function* journalLines(sql: Transaction): AsyncGenerator<readonly BundleLine[]> {
  const batches = sql<{ writer: string; first_sequence: number; last_sequence: number; record_count: number }[]>`
    select writer, first_sequence, last_sequence, record_count
    from ops.journal_batch
    order by writer, first_sequence`.cursor(PAGE);
  for await (const page of batches) yield page.map((batch) => ({ kind: 'journal_batch', ...batch }));
}

export interface CustomerScope {
  readonly slug: string;
  /** The customer's hash key, hex. */
  readonly customer_hk: string;
}

export interface BundleChoice {
  /** ISO 8601: leaves that were logged from then on; null from the first. */
  readonly from: string | null;
  /** Leaves that were logged before. */
  readonly to: string | null;
  readonly customer: CustomerScope | null;
  readonly made_at: string;
}

/**
 * The range of a bundle for auditors: whole batches, so that sets of rows stay together, proven against the newest
 * checkpoint.
 * @returns null while the log has no checkpoint, or none in the requested time
 */
export const planBundle = async (
  sql: Transaction,
  { from, to, customer, made_at }: BundleChoice,
): Promise<BundleInput | null> => {
  const checkpoint = await latestCheckpoint(sql);
  if (checkpoint === null) return null;
  const { tree_size } = checkpoint;
  const [first, end] = await Promise.all([firstIndexSince(sql, from), firstIndexSince(sql, to)]);
  const range = {
    from: from === null ? 0 : Math.min(first ?? tree_size, tree_size),
    to: to === null ? tree_size : Math.min(end ?? tree_size, tree_size),
  };
  return {
    ...range,
    tree_size,
    log_size: tree_size,
    checkpoint,
    made_at,
    is_shown: true,
    to: Math.max(range.from, range.to),
    scope: { from, to, customer: customer?.slug ?? null },
    customer_hk: customer?.customer_hk ?? null,
  };
};

/** The index of the first leaf that was queued at an instant or after it. */
const firstIndexSince = async (sql: Transaction, instant: string | null): Promise<number | null> => {
  if (instant === null) return null;
  const [row] = await sql<{ first_index: number | null }[]>`
    select min(sequenced.first_index) as first_index
    from audit.leaf_batch batch
    join audit.sequenced using (leaf_batch_id)
    where batch.queued_at >= ${instant}`;
  return row?.first_index ?? null;
};
