import { instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { checkpointAt } from './checkpoints.ts';
import { verifyCosignature } from './cosignature.ts';
import { NoteError, parseNote, type VerifierKey } from './note.ts';

export interface CosignatureInput {
  /** A checkpoint of ours with the lines that witnesses added. */
  readonly note: string;
  /** The witnesses whose cosignatures are accepted. */
  readonly witnesses: readonly VerifierKey[];
  readonly now_ms: number;
}

export interface AcceptedCosignatures {
  readonly tree_size: number;
  /** The names of the witnesses with accepted or existing signatures. */
  readonly witnesses: readonly string[];
}

// Clocks differ; beyond this, a witness signs for the future.
const CLOCK_TOLERANCE_MS = 300_000;

/**
 * Stores the signatures of known witnesses on one of our checkpoints. Signatures of others are ignored, as C2SP
 * signed-note requires; a repetition changes nothing.
 * @throws NoteError with the reason why nothing was stored: no note, not our checkpoint, no known witness, a wrong signature
 */
export const acceptCosignature = async (
  sql: Sql,
  { note, witnesses, now_ms }: CosignatureInput,
): Promise<AcceptedCosignatures> => {
  const { text, signatures } = parseNote(note);
  const head = parseCheckpoint(text);
  const ours = await checkpointAt(sql, head.tree_size);
  if (ours === null || ours.origin !== head.origin || ours.root_hash !== head.root.toString('hex')) {
    throw new NoteError(
      `no checkpoint of ${head.origin} with ${head.tree_size} leaves and this root was published here`,
    );
  }
  const rows = signatures.flatMap((signature) => {
    const witness = witnesses.find(({ name, key_id }) => name === signature.name && key_id === signature.key_id);
    if (witness === undefined) return [];
    const time_s = verifyCosignature(text, signature, witness);
    if (time_s * 1_000 > now_ms + CLOCK_TOLERANCE_MS) {
      throw new NoteError(`the signature of ${witness.name} is of a time that has not come: ${time_s}`);
    }
    return [
      {
        tree_size: head.tree_size,
        root_hash: head.root,
        witness_name: witness.name,
        key_hash: witness.key_id,
        signature_line: signature.line,
        cosigned_at: instantOf(time_s * 1_000),
        received_at: instantOf(now_ms),
      },
    ];
  });
  if (rows.length === 0) {
    throw new NoteError('none of the signatures is of a witness that ONEVAULT_WITNESS_KEYS names');
  }
  await sql`
    insert into audit.cosignature ${sql(rows)}
    on conflict do nothing`;
  return { tree_size: head.tree_size, witnesses: [...new Set(rows.map(({ witness_name }) => witness_name))] };
};
