import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** Ed25519 over the note's text (C2SP signed-note). */
export const ED25519 = 0x01;
/** Ed25519 over the note's text and a time (C2SP tlog-cosignature). */
export const COSIGNATURE_V1 = 0x04;

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
// The specification requires at least 16 signatures; ours are short.
const MAX_NOTE_BYTES = 65_536;

/** A key that verifies signatures of a note: the content of a C2SP vkey. */
export interface VerifierKey {
  readonly name: string;
  /** Eight hex digits. */
  readonly key_id: string;
  /** ED25519 or COSIGNATURE_V1. */
  readonly kind: number;
  readonly public_key: Buffer;
}

export interface NoteSignature {
  readonly name: string;
  readonly key_id: string;
  readonly signature: Buffer;
  /** As it stands in the note, without the newline. */
  readonly line: string;
}

export interface SignedNote {
  /** With its last newline: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A text that is no signed note, no checkpoint or no verifier key. */
export class NoteError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoteError';
  }
}

/** The key hash of C2SP signed-note: the first four bytes of SHA-256(name || 0x0A || kind || key), in hex. */
export const keyIdOf = (name: string, kind: number, public_key: Uint8Array): string =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([kind]), public_key]), 'hex').slice(
    0,
    2 * KEY_ID_BYTES,
  );

/** A verifier key as text: `<name>+<key id>+<base64 of kind and key>`. */
export const formatVerifierKey = ({ name, key_id, kind, public_key }: VerifierKey): string =>
  `${name}+${key_id}+${Buffer.concat([Buffer.from([kind]), public_key]).toString('base64')}`;

/** Reads a verifier key. @throws NoteError with the fault */
export const parseVerifierKey = (text: string): VerifierKey => {
  const [name = '', key_id = '', encoded = '', ...rest] = splitKey(text);
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || rest.length > 0 || !/^[0-9a-f]{8}$/.test(key_id) || bytes === null) {
    throw new NoteError(`"${text}" is no verifier key: <name>+<eight hex digits>+<base64> is expected`);
  }
  const [kind] = bytes;
  const public_key = bytes.subarray(1);
  if ((kind !== ED25519 && kind !== COSIGNATURE_V1) || public_key.length !== PUBLIC_KEY_BYTES) {
    throw new NoteError(`the verifier key of ${name} is no Ed25519 key of kind 1 or 4`);
  }
  if (keyIdOf(name, kind, public_key) !== key_id) {
    throw new NoteError(`the verifier key of ${name} is damaged: its key id ${key_id} does not fit its key`);
  }
  return { name, key_id, kind, public_key };
};

// The base64 of a key may hold a plus, a name and a key id cannot.
const splitKey = (text: string): string[] => {
  const [name, key_id, ...encoded] = text.split('+');
  return [name ?? '', key_id ?? '', encoded.join('+')];
};

/** A line of a signature, without a newline. */
export const formatSignature = (name: string, key_id: string, signature: Uint8Array): string =>
  `— ${name} ${Buffer.concat([Buffer.from(key_id, 'hex'), signature]).toString('base64')}`;

/** Signs a note's text with Ed25519. @returns the line of the signature */
export const signNote = (
  text: string,
  { name, key_id, private_key }: { name: string; key_id: string; private_key: KeyObject },
): string => formatSignature(name, key_id, sign(null, Buffer.from(text), private_key));

/** The whole note of a text and lines of signatures. */
export const formatNote = (text: string, lines: readonly string[]): string =>
  `${text}\n${lines.map((line) => `${line}\n`).join('')}`;

/** Parses a note; nothing is verified. @throws NoteError with the fault */
export const parseNote = (note: string): SignedNote => {
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw new NoteError(`a note is larger than ${MAX_NOTE_BYTES} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note must hold none of them
  if (/[\x00-\x09\x0b-\x1f]/.test(note) || !note.isWellFormed()) {
    throw new NoteError('a note holds a control character or is no Unicode text');
  }
  const split = note.lastIndexOf('\n\n');
  if (split === -1 || !note.endsWith('\n')) {
    throw new NoteError('a note is a text, an empty line and lines of signatures, each with its newline');
  }
  const lines = note.slice(split + 2, -1).split('\n');
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
};

const parseSignature = (line: string): NoteSignature => {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ');
  const bytes = decodeBase64(encoded);
  if (dash !== '—' || !isKeyName(name) || rest.length > 0 || bytes === null || bytes.length <= KEY_ID_BYTES) {
    throw new NoteError(`"${line}" is no line of a signature: "— <name> <base64>" is expected`);
  }
  return {
    name,
    key_id: bytes.toString('hex', 0, KEY_ID_BYTES),
    signature: bytes.subarray(KEY_ID_BYTES),
    line,
  };
};

/** True if an Ed25519 signature is a key's over bytes. */
export const verifyEd25519 = (public_key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean =>
  signature.length === SIGNATURE_BYTES && verify(null, bytes, importPublicKey(public_key), signature);

/**
 * True if a note has a key's own signature of kind 1.
 * @throws NoteError when a signature bears the key's name and id and does not verify
 */
export const isSignedBy = (note: SignedNote, { name, key_id, kind, public_key }: VerifierKey): boolean => {
  if (kind !== ED25519) return false;
  const own = note.signatures.filter((each) => each.name === name && each.key_id === key_id);
  for (const { signature } of own) {
    if (!verifyEd25519(public_key, Buffer.from(note.text), signature)) {
      throw new NoteError(`the signature of ${name} (key ${key_id}) does not fit the note`);
    }
  }
  return own.length > 0;
};

const importPublicKey = (public_key: Uint8Array): KeyObject =>
  createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(public_key).toString('base64url') },
  });

const isKeyName = (name: string): boolean => /^[^\s+]+$/u.test(name);

/** Bytes of a canonical standard base64; null if the text is not one. */
export const decodeBase64 = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
};
