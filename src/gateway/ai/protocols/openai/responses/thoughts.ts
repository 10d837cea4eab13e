import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject } from '../../../../../providers/json.ts';

// Tells what we wrapped from what OpenAI encrypted, which nobody else can read.
const HEAD = 'onevault.v1.';

/** Blocks of thinking, signed by who wrote them, as the opaque text that a client sends back with the next call. */
export const wrapThoughts = (blocks: readonly JsonObject[]): string =>
  HEAD + Buffer.from(JSON.stringify(blocks)).toString('base64url');

/** The blocks of such a text; none where another wrote it; null where it was changed on its way. */
export const unwrapThoughts = (text: string): readonly JsonObject[] | null => {
  if (!text.startsWith(HEAD)) return [];
  try {
    const blocks: unknown = JSON.parse(Buffer.from(text.slice(HEAD.length), 'base64url').toString());
    return Array.isArray(blocks) && blocks.every(isObject) ? blocks : null;
  } catch {
    return null;
  }
};
