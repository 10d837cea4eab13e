import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';

/**
 * Packs signed thinking blocks into a `thoughtSignature`: base64 bytes that Google's clients send back with the call to
 * which they belong.
 */
export const signatureOf = (blocks: readonly JsonObject[]): string =>
  Buffer.from(JSON.stringify(blocks)).toString('base64');

/** Unpacks the blocks of such a signature; none if it is Google's own, which nobody else can read. */
export const blocksIn = (signature: string): readonly JsonObject[] => {
  try {
    const blocks: unknown = JSON.parse(Buffer.from(signature, 'base64').toString());
    return Array.isArray(blocks) && blocks.every(isObject) ? blocks : [];
  } catch {
    return [];
  }
};
