import {
  COSIGNATURE_V1,
  NoteError,
  type NoteSignature,
  SIGNATURE_BYTES,
  type VerifierKey,
  verifyEd25519,
} from './note.ts';

const TIMESTAMP_BYTES = 8;

/** What a witness signs (C2SP tlog-cosignature, Ed25519): a header, the time in seconds, the checkpoint's text. */
export const cosignedMessage = (text: string, time_s: number): Buffer =>
  Buffer.from(`cosignature/v1\ntime ${time_s}\n${text}`);

/**
 * Verifies a witness's signature on a checkpoint.
 * @returns when the witness signed, in seconds since the Unix epoch
 * @throws NoteError when it does not fit
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
