import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject, malformed, tokenCount } from '../json.ts';

/**
 * Usage in the form of OpenAI's newer endpoints, with `input_tokens` and `output_tokens`; null if it is missing.
 * @throws OneVaultError provider_malformed if it has another form
 */
export const tokenUsageOf = (json: unknown): Usage | null => {
  if (json === undefined || json === null) return null;
  if (!isObject(json)) throw malformed('usage is not an object');
  const input = isObject(json.input_tokens_details) ? json.input_tokens_details : {};
  const output = isObject(json.output_tokens_details) ? json.output_tokens_details : {};
  const prompt_tokens = tokenCount(json.input_tokens, 'usage.input_tokens');
  const completion_tokens = tokenCount(json.output_tokens, 'usage.output_tokens');
  const detail = (from: JsonObject, name: string): number => tokenCount(from[name], `usage.*.${name}`);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: detail(input, 'cached_tokens'),
    cache_write_tokens: detail(input, 'cache_write_tokens'),
    reasoning_tokens: detail(output, 'reasoning_tokens'),
    prompt_audio_tokens: detail(input, 'audio_tokens'),
    completion_audio_tokens: detail(output, 'audio_tokens'),
    prompt_image_tokens: detail(input, 'image_tokens'),
    completion_image_tokens: detail(output, 'image_tokens'),
  };
};

/** Usage in the form of these endpoints. */
export const tokenUsageJson = (usage: Usage): JsonObject => ({
  input_tokens: usage.prompt_tokens,
  input_tokens_details: {
    cached_tokens: usage.cached_tokens,
    cache_write_tokens: usage.cache_write_tokens,
  },
  output_tokens: usage.completion_tokens,
  output_tokens_details: { reasoning_tokens: usage.reasoning_tokens },
  total_tokens: usage.total_tokens,
});
