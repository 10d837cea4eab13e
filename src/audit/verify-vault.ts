import type { Sql } from '../postgres/connect.ts';
import { differencesBetween, faultOf } from '../vault/definitions/differences.ts';
import { readDefinitions } from '../vault/definitions/read-definitions.ts';
import { readRecorded } from '../vault/definitions/recorded.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { BundleLine } from './bundle-lines.ts';
import { cosignatureFaults } from './cosignature.ts';
import { readOrigin } from './current-log.ts';
import { type BundleDeps, type BundleInput, bundleLines } from './export-bundle.ts';
import { createFrontier } from './frontier.ts';
import { tablesWithoutGhost } from './ghost-rows.ts';
import { createNodeCheck, createNoteCheck } from './line-checks.ts';
import type { VerifierKey } from './note.ts';
import { MissingHashError, readTreeSize } from './read-hashes.ts';
import { treeFaults } from './tree-faults.ts';
import { uncoveredRows } from './uncovered-rows.ts';

/** Receiver of the lines: the offline verifier. */
export interface LineTaker {
  take(line: BundleLine): void;
}

export interface VerifyVaultInput {
  readonly made_at: string;
  /** Only the leaves from one index up to another; the others are taken as the tree has them. */
  readonly range?: { readonly from: number; readonly to: number };
  /** The witnesses whose signatures on checkpoints can be verified. */
  readonly witnesses?: readonly VerifierKey[];
  readonly onProgress?: (leaves: number, of: number) => void;
}

/**
 * Rereads the vault against its log: the same lines as a bundle of everything, through the same verifier, and what only
 * the vault itself can show: rows that no leaf covers, a tree that does not hang together. It reads one moment, however
 * many write meanwhile.
 */
export const verifyVault = async (
  sql: Sql,
  deps: BundleDeps,
  verifier: LineTaker,
  input: VerifyVaultInput,
): Promise<void> => {
  await sql.begin('isolation level repeatable read read only', async (tx) => {
    await verifyMoment(tx, deps, verifier, input);
  });
};

/** The same within the caller's transaction. */
export const verifyMoment = async (
  tx: Transaction,
  deps: BundleDeps,
  verifier: LineTaker,
  { made_at, range, witnesses = [], onProgress }: VerifyVaultInput,
): Promise<void> => {
  const log_size = await readTreeSize(tx);
  const checkpoint = await newestNote(tx);
  const bundle: BundleInput = {
    log_size,
    checkpoint,
    made_at,
    customer_hk: null,
    is_shown: false,
    tree_size: checkpoint?.tree_size ?? 0,
    from: Math.min(range?.from ?? 0, log_size),
    to: Math.min(range?.to ?? log_size, log_size),
    scope: {
      from: range === undefined ? null : String(range.from),
      to: range === undefined ? null : String(range.to),
      customer: null,
    },
  };
  const notes = createNoteCheck();
  const nodes = range === undefined ? createNodeCheck(tx, createFrontier(0, [])) : null;
  try {
    for await (const lines of bundleLines(tx, deps, bundle)) {
      for (const line of lines) verifier.take(line);
      for (const fault of notes.take(lines)) verifier.take(faultLine('forged_checkpoint', fault));
      for (const fault of (await nodes?.take(lines)) ?? []) verifier.take(faultLine('history', fault));
      const last = lines.findLast(({ kind }) => kind === 'leaf');
      if (last !== undefined) onProgress?.(Number(last.index) + 1, log_size);
    }
  } catch (error) {
    if (!(error instanceof MissingHashError)) throw error;
    verifier.take(faultLine('history', error.message));
  }
  for (const fault of (await nodes?.finish()) ?? []) verifier.take(faultLine('history', fault));
  for (const { fault, message } of await treeFaults(tx)) verifier.take(faultLine(fault, message));
  for await (const fault of cosignatureFaults(tx, witnesses)) {
    verifier.take(faultLine('forged_checkpoint', fault));
  }
  // Only a check of the whole vault shows that no other row was added.
  if (range !== undefined) return;
  for (const table of await tablesWithoutGhost(tx, deps.registry)) {
    verifier.take(faultLine('row_gone', `the ghost record of ${table} is gone, or another stands in its place`));
  }
  for (const fault of await definitionFaults(tx)) verifier.take(faultLine('definition', fault));
  for await (const rows of uncoveredRows(tx, deps.registry)) {
    for (const { table, key } of rows) {
      verifier.take(faultLine('row_added', `${table} ${key} was added: no leaf of the log holds it`));
    }
  }
};

/** Faults in the objects that decide how rows are kept and shown. */
const definitionFaults = async (tx: Transaction): Promise<string[]> => {
  const recorded = await readRecorded(tx);
  if (recorded === null) return [];
  return differencesBetween(recorded.definitions, await readDefinitions(tx)).map(faultOf);
};

const faultLine = (fault: string, message: string): BundleLine => ({ kind: 'fault', fault, message });

interface NewestNote {
  readonly origin: string;
  readonly note: string;
  readonly tree_size: number;
}

/** Read from the table alone, so that a changed key or witness's signature cannot hide a checkpoint. */
const newestNote = async (tx: Transaction): Promise<NewestNote | null> => {
  const origin = await readOrigin(tx);
  const [row] = await tx<{ note: string; tree_size: number }[]>`
    select note, tree_size
    from audit.checkpoint
    where left(note, position(chr(10) in note)) = ${`${origin}\n`}
    order by tree_size desc
    limit 1`;
  return row === undefined || origin === null ? null : { origin, ...row };
};
