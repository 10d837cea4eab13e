import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Length of an AES-256 key in bytes. */
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits: one key may seal at most 2^32 times (section 8.3).
 * @param additional data that is authenticated but not stored
 * @returns nonce, ciphertext, tag
 */
export const encrypt = (key: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additional);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

/**
 * The plaintext of a result of `encrypt`.
 * @returns null if the key or the additional data differs, or a bit was changed
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
 * Texts as bytes, different for any two lists: each text follows its length in bytes, and null differs from every text.
 * @param domain purpose of the bytes, so that those of one purpose are never valid for another
 */
export const canonicalBytes = (domain: string, parts: readonly (string | null)[]): Buffer =>
  Buffer.from(
    `${domain}\0${parts.map((part) => (part === null ? 'n0:' : `t${Buffer.byteLength(part)}:${part}`)).join('')}`,
  );
