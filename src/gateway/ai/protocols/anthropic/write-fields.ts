import type { Usage } from '../../../../pricing/usage.ts';
import type { JsonObject } from '../../../../providers/chat-form.ts';

/** Converts a finish reason to Anthropic's. OpenAI reports "stop" for a forced call. */
export const stopReason = (finish_reason: string | null, has_calls: boolean, is_refused: boolean): string => {
  if (is_refused || finish_reason === 'content_filter') return 'refusal';
  if (finish_reason === 'length') return 'max_tokens';
  return has_calls ? 'tool_use' : 'end_turn';
};

/** Usage in Anthropic's form: `input_tokens` excludes tokens that were read from or written to the cache. */
export const usageJson = (usage: Usage | null): JsonObject => ({
  input_tokens: usage === null ? 0 : usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
  cache_creation_input_tokens: usage?.cache_write_tokens ?? 0,
  cache_read_input_tokens: usage?.cached_tokens ?? 0,
  cache_creation: null,
  output_tokens: usage?.completion_tokens ?? 0,
  output_tokens_details: usage === null ? null : { thinking_tokens: usage.reasoning_tokens },
  server_tool_use: null,
  service_tier: null,
});

/** Writes one of Anthropic's server-sent events. */
export const frame = (type: string, fields: JsonObject): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
