import type { JsonObject } from './chat-form.ts';
import { isObject } from './json.ts';

// Neither character is of base64, which is what a block holds that a provider hid itself.
const MARK = /^onevault\.([a-z]+):/;

/**
 * What one provider must get back to go on, as a block of thinking: clients of every protocol send such blocks back
 * whole, whether or not they can read them, and the other providers' adapters know by the mark to leave them out.
 */
export const markedBlock = (provider: string, data: string): JsonObject => ({
  type: 'redacted_thinking',
  data: `onevault.${provider}:${data}`,
});

/** Whose block it is, and what that provider put in; null for a block without a mark. */
export const markOf = (block: unknown): { readonly provider: string; readonly data: string } | null => {
  if (!isObject(block) || typeof block.data !== 'string') return null;
  const [mark, provider] = MARK.exec(block.data) ?? [];
  return mark === undefined || provider === undefined ? null : { provider, data: block.data.slice(mark.length) };
};
