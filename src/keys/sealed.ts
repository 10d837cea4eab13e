import { canonicalBytes, decrypt, encrypt, NONCE_BYTES, TAG_BYTES } from './aead.ts';
import type { SealContext } from './contract.ts';

// Layout: version, key id (the bytes of a UUID), nonce, ciphertext, tag.
const VERSION = 1;
const KEY_ID_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const MIN_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
const DOMAIN = 'onevault/seal/v1';

/** A sealed value cannot be opened. The message names its column and the reason if known, never its content. */
export class UnsealError extends Error {
  constructor({ table, column }: SealContext, why: string, options: ErrorOptions = {}) {
    super(`A sealed value of ${column === undefined ? table : `${table}.${column}`} cannot be opened: ${why}`, options);
    this.name = 'UnsealError';
  }
}

/**
 * Encrypts a value for one place.
 * @param key_id the key's UUID, stored in plaintext before the ciphertext
 */
export const sealWith = (key: Uint8Array, key_id: string, plaintext: Uint8Array, context: SealContext): Buffer => {
  const header = Buffer.concat([Buffer.from([VERSION]), Buffer.from(key_id.replaceAll('-', ''), 'hex')]);
  return Buffer.concat([header, encrypt(key, plaintext, additionalData(header, context))]);
};

/** @throws UnsealError if the bytes were changed or belong to another place */
export const openWith = (key: Uint8Array, sealed: Uint8Array, context: SealContext): Buffer => {
  const plaintext = decrypt(
    key,
    sealed.subarray(HEADER_BYTES),
    additionalData(sealed.subarray(0, HEADER_BYTES), context),
  );
  if (plaintext === null) {
    throw new UnsealError(context, 'its bytes were changed, or it belongs to another row, column or tenant.');
  }
  return plaintext;
};

/**
 * The UUID of the key that sealed a value.
 * @throws UnsealError if the bytes are not a sealed value
 */
export const keyIdOf = (sealed: Uint8Array, context: SealContext): string => {
  if (sealed.length < MIN_BYTES) {
    throw new UnsealError(context, `it has ${sealed.length} bytes, but a sealed value has at least ${MIN_BYTES}.`);
  }
  if (sealed[0] !== VERSION) {
    throw new UnsealError(context, `its format is ${sealed[0]}, but only ${VERSION} is supported.`);
  }
  const hex = Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

const additionalData = (header: Uint8Array, { table, tenant, row, column }: SealContext): Buffer =>
  Buffer.concat([header, canonicalBytes(DOMAIN, [table, tenant, row, column ?? null])]);
