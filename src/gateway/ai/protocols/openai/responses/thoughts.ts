import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject } from '../../../../../providers/json.ts';

// Distinguishes the gateway's texts from OpenAI's encrypted ones, which nobody else can read.
const HEAD = 'onevault.v1.';

/** Packs signed thinking blocks into an opaque text that the client sends back with the next call. */
export const wrapThoughts = (blocks: readonly JsonObject[]): string =>
  HEAD + Buffer.from(JSON.stringify(blocks)).toString('base64url');

/** Unpacks the blocks of such a text; none if another provider wrote it, null if it was changed. */
export const unwrapThoughts = (text: string): readonly JsonObject[] | null => {
  if (!text.startsWith(HEAD)) return [];
  try {
    const blocks: unknown = JSON.parse(Buffer.from(text.slice(HEAD.length), 'base64url').toString());
    return Array.isArray(blocks) && blocks.every(isObject) ? blocks : null;
  } catch {
    return null;
  }
};
