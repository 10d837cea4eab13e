import type { Usage } from '../../pricing/usage.ts';
import { isObject, malformed, tokenCount } from '../json.ts';

/**
 * Usage in Google's form; null if it is missing. Its `candidatesTokenCount` excludes thoughts, and its
 * `promptTokenCount` excludes the results of its own tools; the pivot form includes both.
 * @throws OneVaultError provider_malformed if it has another form
 */
export const usageOf = (json: unknown): Usage | null => {
  if (json === undefined || json === null) return null;
  if (!isObject(json)) throw malformed('usageMetadata is not an object');
  const count = (name: string): number => tokenCount(json[name], `usageMetadata.${name}`);
  const prompt_tokens = count('promptTokenCount') + count('toolUsePromptTokenCount');
  const reasoning_tokens = count('thoughtsTokenCount');
  const completion_tokens = count('candidatesTokenCount') + reasoning_tokens;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: count('cachedContentTokenCount'),
    // Google charges cached content by the hour, not by the write.
    cache_write_tokens: 0,
    reasoning_tokens,
    prompt_audio_tokens: tokensOf('AUDIO', json.promptTokensDetails, json.toolUsePromptTokensDetails),
    completion_audio_tokens: tokensOf('AUDIO', json.candidatesTokensDetails),
    ...someOf({
      prompt_image_tokens: tokensOf('IMAGE', json.promptTokensDetails, json.toolUsePromptTokensDetails),
      completion_image_tokens: tokensOf('IMAGE', json.candidatesTokensDetails),
      cached_audio_tokens: tokensOf('AUDIO', json.cacheTokensDetails),
      cached_image_tokens: tokensOf('IMAGE', json.cacheTokensDetails),
    }),
  };
};

const someOf = (counts: Readonly<Record<string, number>>): Partial<Usage> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

/** Tokens of one modality in lists of all modalities. */
const tokensOf = (modality: string, ...lists: readonly unknown[]): number =>
  lists
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    .reduce<number>(
      (sum, each) =>
        isObject(each) && each.modality === modality
          ? sum + tokenCount(each.tokenCount, 'usageMetadata.*.tokenCount')
          : sum,
      0,
    );
