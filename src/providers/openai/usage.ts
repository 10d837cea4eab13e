import type { Usage } from '../contract.ts';
import { isObject, malformed, tokenCount } from '../json.ts';

/**
 * Usage as OpenAI writes it; null where it gave none.
 * @throws OneVaultError provider_malformed when it is there and not of that form
 */
export const usageOf = (json: unknown): Usage | null => {
  if (json === undefined || json === null) return null;
  if (!isObject(json)) throw malformed('usage is not an object');
  const prompt = isObject(json.prompt_tokens_details) ? json.prompt_tokens_details : {};
  const completion = isObject(json.completion_tokens_details) ? json.completion_tokens_details : {};
  const prompt_tokens = tokenCount(json.prompt_tokens, 'usage.prompt_tokens');
  const completion_tokens = tokenCount(json.completion_tokens, 'usage.completion_tokens');
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: tokenCount(prompt.cached_tokens, 'usage.prompt_tokens_details.cached_tokens'),
    cache_write_tokens: tokenCount(
      prompt.cache_write_tokens,
      'usage.prompt_tokens_details.cache_write_tokens',
    ),
    reasoning_tokens: tokenCount(
      completion.reasoning_tokens,
      'usage.completion_tokens_details.reasoning_tokens',
    ),
  };
};
