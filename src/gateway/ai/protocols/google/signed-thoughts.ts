import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';

/**
 * Blocks of thinking, signed by who wrote them, as a `thoughtSignature`: bytes in base64 that Google's clients send
 * back with the call that they came with.
 */
export const signatureOf = (blocks: readonly JsonObject[]): string =>
  Buffer.from(JSON.stringify(blocks)).toString('base64');

/** The blocks that such a signature holds; none where it is Google's own, which nobody else can read. */
export const blocksIn = (signature: string): readonly JsonObject[] => {
  try {
    const blocks: unknown = JSON.parse(Buffer.from(signature, 'base64').toString());
    return Array.isArray(blocks) && blocks.every(isObject) ? blocks : [];
  } catch {
    return [];
  }
};
