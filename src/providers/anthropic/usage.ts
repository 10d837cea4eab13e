import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject, tokenCount } from '../json.ts';

/**
 * Usage in Anthropic's form. Its `input_tokens` exclude tokens read from or written to the cache, which the pivot form
 * includes.
 * @throws OneVaultError provider_malformed for an invalid count
 */
export const usageOf = (json: JsonObject): Usage => {
  const cached_tokens = tokenCount(json.cache_read_input_tokens, 'usage.cache_read_input_tokens');
  const cache_write_tokens = tokenCount(json.cache_creation_input_tokens, 'usage.cache_creation_input_tokens');
  const writes = isObject(json.cache_creation) ? json.cache_creation : {};
  const long_cache_write_tokens = tokenCount(
    writes.ephemeral_1h_input_tokens,
    'usage.cache_creation.ephemeral_1h_input_tokens',
  );
  const fresh_tokens = tokenCount(json.input_tokens, 'usage.input_tokens');
  const completion_tokens = tokenCount(json.output_tokens, 'usage.output_tokens');
  const details = isObject(json.output_tokens_details) ? json.output_tokens_details : {};
  const server = isObject(json.server_tool_use) ? json.server_tool_use : {};
  const searches = tokenCount(server.web_search_requests, 'usage.server_tool_use.web_search_requests');
  const prompt_tokens = fresh_tokens + cached_tokens + cache_write_tokens;
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens,
    cache_write_tokens,
    ...(long_cache_write_tokens === 0 ? {} : { long_cache_write_tokens }),
    reasoning_tokens: tokenCount(details.thinking_tokens, 'usage.output_tokens_details.thinking_tokens'),
    // Anthropic's models support no audio.
    prompt_audio_tokens: 0,
    completion_audio_tokens: 0,
    ...(searches === 0 ? {} : { tool_uses: { web_search: searches } }),
  };
};
