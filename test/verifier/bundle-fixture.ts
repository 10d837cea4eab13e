import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type BundleLine, coveringSubtrees, entityLine } from '../../src/audit/bundle-lines.ts';
import { formatCheckpoint } from '../../src/audit/checkpoint.ts';
import { entryOf, leafHash } from '../../src/audit/entry.ts';
import { rootOf } from '../../src/audit/merkle.ts';
import { ED25519, formatNote, formatVerifierKey, keyIdOf, signNote } from '../../src/audit/note.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { callRows, invoiceLine, registry, rows, stamp, tenantRows } from '../vault/vault-fixture.ts';

export const ORIGIN = 'onevault/0123456789abcdef';

export interface Signer {
  readonly verifier_key: string;
  sign(text: string): string;
}

/** A signing key of the audit log. */
export const createSigner = (name = ORIGIN): Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const public_key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const key_id = keyIdOf(name, ED25519, public_key);
  return {
    verifier_key: formatVerifierKey({ name, key_id, kind: ED25519, public_key }),
    sign: (text) => formatNote(text, [signNote(text, { name, key_id, private_key: privateKey as KeyObject })]),
  };
};

export const checkpointNote = (signer: Signer, hashes: readonly Buffer[], origin = ORIGIN): string =>
  signer.sign(formatCheckpoint({ origin, tree_size: hashes.length, root: rootOf(hashes) }));

export const hashesOf = (leaves: readonly (readonly VaultRow[])[]): Buffer[] =>
  leaves.map((rows) => Buffer.from(leafHash(entryOf(registry, rows)), 'hex'));

export interface BundleChoice {
  /** Sizes of earlier checkpoints. */
  readonly sizes?: readonly number[];
  /** Selects the leaves in the bundle by index; nodes cover the others. */
  readonly given?: (index: number) => boolean;
  readonly journal?: readonly BundleLine[];
}

/** The lines of a bundle of a log with these leaves, in the product's format. */
export const bundleOf = (
  signer: Signer,
  leaves: readonly (readonly VaultRow[])[],
  { sizes = [], given = () => true, journal = [] }: BundleChoice = {},
): BundleLine[] => {
  const hashes = hashesOf(leaves);
  const tables = new Set(leaves.flat().map(({ table }) => table));
  const lines: BundleLine[] = [];
  let [leaf_count, row_count, gap] = [0, 0, 0];
  const closeGap = (to: number): void => {
    for (const { level, index } of coveringSubtrees(gap, to)) {
      const hash = rootOf(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)).toString('hex');
      lines.push({ kind: 'node', level, index, hash });
    }
    gap = to;
  };
  for (const [index, rows] of leaves.entries()) {
    if (given(index)) {
      closeGap(index);
      gap = index + 1;
      lines.push({ kind: 'leaf', index, hash: hashes[index]!.toString('hex'), rows });
      leaf_count += 1;
      row_count += rows.length;
    }
    if (!sizes.includes(index + 1)) continue;
    closeGap(index + 1);
    lines.push({ kind: 'checkpoint', note: checkpointNote(signer, hashes.slice(0, index + 1)) });
  }
  closeGap(leaves.length);
  const is_whole = leaf_count === leaves.length;
  return [
    {
      kind: 'bundle',
      format: 'onevault-bundle/v1',
      origin: ORIGIN,
      tree_size: leaves.length,
      made_at: '2026-11-21T12:00:00.000Z',
      scope: { from: is_whole ? null : '0', to: null, customer: null },
    },
    { kind: 'key', verifier_key: signer.verifier_key },
    { kind: 'checkpoint', note: checkpointNote(signer, hashes) },
    ...[...tables].sort().map((table) => entityLine(registry, registry.entities.get(table)!, false)),
    ...journal,
    ...lines,
    { kind: 'end', leaves: leaf_count, rows: row_count },
  ];
};

const invoice_hk = rows.hubKey('invoice_h', { invoice_bk: 'I-1' });

/** Leaves of every kind: calls, hubs, links, states, a set. */
export const LEAVES: VaultRow[][] = [
  ...Array.from({ length: 9 }, (_, number) => callRows(number)),
  ...tenantRows('north', 'Ünḯcode "quoted" \\ and 🚀', stamp(1)).map((row) => [row]),
  ...tenantRows('south', '', stamp(2)).map((row) => [row]),
  ...rows
    .satelliteSet(
      'invoice_line_s',
      invoice_hk,
      [2, 1, 10].map((at) => invoiceLine(at, `line ${at}`)),
      stamp(3),
    )
    .map((row) => [row]),
  ...Array.from({ length: 5 }, (_, number) => callRows(100 + number)),
];
