import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject, malformed, tokenCount } from '../json.ts';

/**
 * Usage in OpenAI's form; null if it is missing.
 * @throws OneVaultError provider_malformed if it has another form
 */
export const usageOf = (json: unknown): Usage | null => {
  if (json === undefined || json === null) return null;
  if (!isObject(json)) throw malformed('usage is not an object');
  const prompt = isObject(json.prompt_tokens_details) ? json.prompt_tokens_details : {};
  const completion = isObject(json.completion_tokens_details) ? json.completion_tokens_details : {};
  const count = (from: JsonObject, name: string, path: string): number =>
    tokenCount(from[name], `usage.${path}${name}`);
  const prompt_tokens = count(json, 'prompt_tokens', '');
  const completion_tokens = count(json, 'completion_tokens', '');
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: count(prompt, 'cached_tokens', 'prompt_tokens_details.'),
    cache_write_tokens: count(prompt, 'cache_write_tokens', 'prompt_tokens_details.'),
    reasoning_tokens: count(completion, 'reasoning_tokens', 'completion_tokens_details.'),
    prompt_audio_tokens: count(prompt, 'audio_tokens', 'prompt_tokens_details.'),
    completion_audio_tokens: count(completion, 'audio_tokens', 'completion_tokens_details.'),
  };
};

/** Usage in OpenAI's form. */
export const usageJson = (usage: Usage): JsonObject => ({
  prompt_tokens: usage.prompt_tokens,
  completion_tokens: usage.completion_tokens,
  total_tokens: usage.total_tokens,
  prompt_tokens_details: {
    cached_tokens: usage.cached_tokens,
    cache_write_tokens: usage.cache_write_tokens,
    audio_tokens: usage.prompt_audio_tokens,
  },
  completion_tokens_details: {
    reasoning_tokens: usage.reasoning_tokens,
    audio_tokens: usage.completion_audio_tokens,
  },
});
