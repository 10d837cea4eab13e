import type { ServiceTier } from './prices.ts';

/**
 * Number of uses of tools that the provider runs itself, by price unit, or by the provider's own name if there is no
 * unit; null if the provider does not report it.
 */
export type ToolUses = Readonly<Record<string, number | null>>;

/**
 * Tokens of one call, integers of at least 0. `prompt_tokens` includes `cached_tokens` and
 * `cache_write_tokens`, and `completion_tokens` includes `reasoning_tokens`, as OpenAI counts; audio and image tokens
 * are in either sum too. A part that is not reported is 0. `total_tokens` is the sum of prompt and completion.
 */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  readonly prompt_audio_tokens: number;
  readonly completion_audio_tokens: number;
  /** Of `cache_write_tokens`: those that the provider keeps for an hour. */
  readonly long_cache_write_tokens?: number;
  /** Of `prompt_tokens` and `completion_tokens`. */
  readonly prompt_image_tokens?: number;
  readonly completion_image_tokens?: number;
  /** Of `prompt_audio_tokens` and `prompt_image_tokens`: those that are in `cached_tokens` too. */
  readonly cached_audio_tokens?: number;
  readonly cached_image_tokens?: number;
  /** Of several responses in one call: the longest prompt, whose length decides the prices. Absent: `prompt_tokens`. */
  readonly longest_prompt_tokens?: number;
  /** Pictures that the provider charges for by the piece. */
  readonly images?: number;
  /** Whole seconds of transcribed audio. */
  readonly audio_seconds?: number;
  /** Characters (Unicode code points) of text to speak. */
  readonly characters?: number;
  /** Absent: none. */
  readonly tool_uses?: ToolUses;
  /** The service tier that the provider reports, if it charges other prices for it. */
  readonly service_tier?: ServiceTier;
}
