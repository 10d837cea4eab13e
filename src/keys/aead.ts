import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Bytes of a key of AES-256. */
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits: one key may seal 2^32 times at most (section 8.3).
 * @param additional what is authenticated besides, and not stored
 * @returns nonce, ciphertext, tag
 */
export const encrypt = (key: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additional);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

/**
 * What `encrypt` made, in clear.
 * @returns null when the key or the additional data is another, or a bit was changed
 */
export const decrypt = (key: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Buffer | null => {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const tag_at = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(additional);
  decipher.setAuthTag(sealed.subarray(tag_at));
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, tag_at));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return null;
  }
};

/**
 * Texts as bytes, so that no two lists give the same: each with its length in bytes, null told from every text.
 * @param domain what the bytes are for: those of one use never serve another
 */
export const canonicalBytes = (domain: string, parts: readonly (string | null)[]): Buffer =>
  Buffer.from(
    `${domain}\0${parts.map((part) => (part === null ? 'n0:' : `t${Buffer.byteLength(part)}:${part}`)).join('')}`,
  );
