import { createHmac } from 'node:crypto';
import { KEY_BYTES } from './aead.ts';

/** What local master keys' ids begin with. */
export const LOCAL_KIND = 'local';

const ID_HEX_DIGITS = 16;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[0-9A-Za-z+/_-]{43}=?$/;

/**
 * The id that a master key has wherever it is kept: a fingerprint that tells nothing of the key.
 * @param key 32 random bytes
 */
export const masterKeyId = (key: Uint8Array): string => {
  const fingerprint = createHmac('sha256', key).update('onevault/master-key-id/v1').digest('hex');
  return `${LOCAL_KIND}:${fingerprint.slice(0, ID_HEX_DIGITS)}`;
};

/**
 * A key as people write it: 32 bytes in hex (64 digits) or base64 (43 characters, or 44 with "=").
 * @returns null when it is neither, or one byte 32 times over, which nobody drew at random
 */
export const parseMasterKey = (text: string): Buffer | null => {
  if (!HEX.test(text) && !BASE64.test(text)) return null;
  const key = Buffer.from(text, HEX.test(text) ? 'hex' : 'base64');
  return key.length === KEY_BYTES && key.some((byte) => byte !== key[0]) ? key : null;
};
