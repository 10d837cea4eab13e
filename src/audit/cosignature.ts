import type { Transaction } from '../vault/transaction.ts';
import {
  COSIGNATURE_V1,
  NoteError,
  type NoteSignature,
  parseNote,
  SIGNATURE_BYTES,
  type VerifierKey,
  verifyEd25519,
} from './note.ts';

const TIMESTAMP_BYTES = 8;
const ROWS_AT_ONCE = 1_000;

/** Signed text of a witness (C2SP tlog-cosignature, Ed25519): a header, the time in seconds, the checkpoint's text. */
export const cosignedMessage = (text: string, time_s: number): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${time_s}\n${text}`);

/**
 * Verifies a witness's signature on a checkpoint.
 * @returns the instant of the signature, in seconds since the Unix epoch
 * @throws NoteError if it is invalid
 */
export const verifyCosignature = (
  text: string,
  { signature }: NoteSignature,
  { name, key_id, kind, public_key }: VerifierKey,
): number => {
  if (kind !== COSIGNATURE_V1 || signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) {
    throw new NoteError(`the signature of ${name} (key ${key_id}) is no Ed25519 cosignature with its time`);
  }
  const time_s = Number(signature.readBigUInt64BE());
  const bytes = signature.subarray(TIMESTAMP_BYTES);
  if (!Number.isSafeInteger(time_s) || !verifyEd25519(public_key, cosignedMessage(text, time_s), bytes)) {
    throw new NoteError(`the signature of ${name} (key ${key_id}) does not fit the checkpoint`);
  }
  return time_s;
};

/** The invalid stored signatures of these witnesses on checkpoints, one sentence each. */
export async function* cosignatureFaults(tx: Transaction, witnesses: readonly VerifierKey[]): AsyncGenerator<string> {
  if (witnesses.length === 0) return;
  const stored = tx<{ tree_size: number; name: string; key_id: string; line: string; note: string }[]>`
    select c.tree_size, c.witness_name as name, c.key_hash as key_id, c.signature_line as line,
      (
        select note
        from audit.checkpoint
        where checkpoint.tree_size = c.tree_size and checkpoint.root_hash = c.root_hash
        limit 1) as note
    from audit.cosignature c
    order by c.tree_size, c.witness_name, c.key_hash`.cursor(ROWS_AT_ONCE);
  for await (const page of stored) {
    for (const { tree_size, name, key_id, line, note } of page) {
      const witness = witnesses.find((each) => each.name === name && each.key_id === key_id);
      // An unknown witness has no key to verify with. Other checks report a missing checkpoint.
      if (witness === undefined || note === null || fits(note, line, witness)) continue;
      yield `the signature of the witness ${name} does not fit the checkpoint of size ${tree_size}`;
    }
  }
}

const fits = (note: string, line: string, witness: VerifierKey): boolean => {
  try {
    const { text, signatures } = parseNote(`${note.slice(0, note.indexOf('\n\n') + 2)}${line}\n`);
    const [signature] = signatures;
    return signature !== undefined && verifyCosignature(text, signature, witness) >= 0;
  } catch (error) {
    if (error instanceof NoteError) return false;
    throw error;
  }
};
