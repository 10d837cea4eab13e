import { createHmac } from 'node:crypto';
import { KEY_BYTES } from './aead.ts';

/** Prefix of local master keys' ids. */
export const LOCAL_KIND = 'local';

const ID_HEX_DIGITS = 16;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[0-9A-Za-z+/_-]{43}=?$/;

/**
 * The id of a master key, wherever it is stored: a fingerprint that reveals nothing of the key.
 * @param key 32 random bytes
 */
export const masterKeyId = (key: Uint8Array): string => {
  const fingerprint = createHmac('sha256', key).update('onevault/master-key-id/v1').digest('hex');
  return `${LOCAL_KIND}:${fingerprint.slice(0, ID_HEX_DIGITS)}`;
};

/**
 * Parses a key: 32 bytes in hex (64 digits) or base64 (43 characters, or 44 with "=").
 * @returns null for any other text, and for one byte repeated 32 times, which is not random
 */
export const parseMasterKey = (text: string): Buffer | null => {
  if (!HEX.test(text) && !BASE64.test(text)) return null;
  const key = Buffer.from(text, HEX.test(text) ? 'hex' : 'base64');
  return key.length === KEY_BYTES && key.some((byte) => byte !== key[0]) ? key : null;
};
