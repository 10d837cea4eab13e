import type { JsonObject } from './chat-form.ts';
import { isObject } from './json.ts';

// Neither character occurs in base64, in which a provider writes its own hidden blocks.
const MARK = /^onevault\.([a-z]+):/;

/**
 * Data that one provider requires back in the next call, as a thinking block: clients of every protocol send such
 * blocks back unchanged, even if they cannot read them. The mark lets the adapters of other providers leave it out.
 */
export const markedBlock = (provider: string, data: string): JsonObject => ({
  type: 'redacted_thinking',
  data: `onevault.${provider}:${data}`,
});

/** The provider of a block and its data; null for a block without a mark. */
export const markOf = (block: unknown): { readonly provider: string; readonly data: string } | null => {
  if (!isObject(block) || typeof block.data !== 'string') return null;
  const [mark, provider] = MARK.exec(block.data) ?? [];
  return mark === undefined || provider === undefined ? null : { provider, data: block.data.slice(mark.length) };
};
