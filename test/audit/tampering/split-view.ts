import type { BundleLine } from '../../../src/audit/bundle-lines.ts';
import { formatCheckpoint } from '../../../src/audit/checkpoint.ts';
import { latestCheckpoint } from '../../../src/audit/checkpoints.ts';
import { entryOf, leafHash } from '../../../src/audit/entry.ts';
import { bundleLines, planBundle } from '../../../src/audit/export-bundle.ts';
import { formatNote, signNote } from '../../../src/audit/note.ts';
import { readRoot } from '../../../src/audit/read-hashes.ts';
import { currentSigner } from '../../../src/audit/signing-keys.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { createRowBuilder } from '../../../src/vault/rows.ts';
import type { Transaction } from '../../../src/vault/transaction.ts';
import { createVerifier, type Report } from '../../../verifier/onevault-verify.mjs';
import { type SealedVault, START } from '../sealed-vault-fixture.ts';
import type { Random } from './mutate.ts';
import type { Leaf } from './row-tamperings.ts';
import { type Trusted, undone } from './try-tamperings.ts';

/** A bundle of everything, as `onevault audit export` writes it. */
const exportAll = async (tx: Transaction, { deps }: SealedVault): Promise<BundleLine[]> => {
  const input = await planBundle(tx, { from: null, to: null, customer: null, made_at: START });
  const lines: BundleLine[] = [];
  for await (const page of bundleLines(tx, deps, input!)) lines.push(...page);
  return lines;
};

const verify = (
  lines: readonly BundleLine[],
  options: { keys: readonly string[]; against?: Trusted['against'] },
): Report => {
  const verifier = createVerifier(options);
  for (const line of lines) verifier.take(JSON.stringify(line));
  return verifier.finish();
};

export interface SplitView {
  /** Report on the second bundle alone. */
  readonly alone: Report;
  /** Report on the second bundle compared with the first. */
  readonly compared: Report;
}

/**
 * The operator shows two histories: he changes a call with all its hashes, replaces the old leaf in the tree by the
 * new one, and signs the checkpoint of the same size again with the log's own key.
 */
export const showTwoViews = async (
  sql: Sql,
  vault: SealedVault,
  { keys }: Trusted,
  leaves: readonly Leaf[],
  random: Random,
): Promise<SplitView> => {
  const first = await undone(sql, (tx) => exportAll(tx, vault));
  const second = await undone(sql, async (tx) => {
    const checkpoint = (await latestCheckpoint(tx))!;
    const { tree_size } = checkpoint;
    const [{ previous }] = (await tx`
      select max(tree_size)::integer as previous
      from audit.checkpoint
      where tree_size < ${tree_size}`) as unknown as [{ previous: number }];
    // After the last stored subtree and the previous checkpoint, so that the tree stays consistent without changes.
    const from = Math.max(previous, tree_size - (tree_size % 256));
    const calls = leaves.filter(({ index, rows }) => rows.length > 1 && index >= from);
    const leaf = calls[random(calls.length)]!;
    await rewrite(tx, vault, leaf, String(1 + random(1_000_000)));
    const signer = await currentSigner(tx, vault.signing, checkpoint.origin);
    const text = formatCheckpoint({
      origin: checkpoint.origin,
      tree_size,
      root: await readRoot(tx, tree_size),
    });
    await tx`
      update audit.checkpoint
      set note = ${formatNote(text, [signNote(text, signer)])}
      where tree_size = ${tree_size}`;
    return exportAll(tx, vault);
  });
  const notes = first.flatMap(({ kind, note }) =>
    kind === 'checkpoint' ? [{ note: String(note), source: 'the first bundle' }] : [],
  );
  return { alone: verify(second, { keys }), compared: verify(second, { keys, against: notes }) };
};

const rewrite = async (
  tx: Transaction,
  { deps: { registry } }: SealedVault,
  leaf: Leaf,
  cost: string,
): Promise<void> => {
  const rows = leaf.rows.map((row) => {
    if (row.table !== 'api_request_s') return row;
    const {
      api_request_hk: _,
      load_date: __,
      applied_date: ___,
      hash_diff: ____,
      record_source: _____,
      ...payload
    } = row.values;
    const changed = { ...payload, customer_cost: cost };
    return {
      ...row,
      values: {
        ...row.values,
        ...changed,
        hash_diff: createRowBuilder(registry).diff('api_request_s', changed as never),
      },
    };
  });
  const { values } = rows.find(({ table }) => table === 'api_request_s')!;
  await tx`
    update gateway.api_request_s
    set customer_cost = ${cost}, hash_diff = decode(${String(values.hash_diff)}, 'hex')
    where api_request_hk = decode(${String(values.api_request_hk)}, 'hex')`;
  await tx`
    update audit.leaf_batch
    set leaf_hashes = overlay(
      leaf_hashes placing decode(${leafHash(entryOf(registry, rows))}, 'hex')
      from (32 * (${leaf.index} - first_index) + 1)::integer)
    from audit.sequenced
    where sequenced.leaf_batch_id = leaf_batch.leaf_batch_id
      and ${leaf.index} between first_index and first_index + sequenced.leaf_count - 1`;
};
