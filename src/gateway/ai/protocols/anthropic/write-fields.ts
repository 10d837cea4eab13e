import type { Usage } from '../../../../pricing/usage.ts';
import type { JsonObject } from '../../../../providers/chat-form.ts';

/** Why the model stopped, in Anthropic's words. OpenAI's says "stop" of a call that was forced. */
export const stopReason = (finish_reason: string | null, has_calls: boolean, is_refused: boolean): string => {
  if (is_refused || finish_reason === 'content_filter') return 'refusal';
  if (finish_reason === 'length') return 'max_tokens';
  return has_calls ? 'tool_use' : 'end_turn';
};

/** Usage as Anthropic writes it: its `input_tokens` leave out what was read from or written to the cache. */
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

/** One event of Anthropic's, as it stands on the wire. */
export const frame = (type: string, fields: JsonObject): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
