import type { ServiceTier } from '../core/prices.ts';

/**
 * The pivot: the one form in which a chat call is translated. It is OpenAI's chat-completions JSON, whose fields
 * mean what they mean there, with these extensions for what other protocols say and OpenAI's has no word for:
 *
 * - request: `top_k`, `thinking` (Anthropic's object), `cache_control` (here, on parts and on tools)
 * - parts: `file.file_url`, `file.text` (a document given as text), `file.context`
 * - messages: `thinking_blocks` (opaque, signed by who wrote them), `reasoning_content`; on a message of role
 *   `tool`: `is_error`, and pictures and files in `content`
 * - replies: `reasoning_content`, `thinking_blocks` in messages and deltas, `stop_sequence` in a choice
 *
 * These types name what we read; every other field stands as it came, and whoever translates it decides.
 */

/** A JSON object whose fields we have not looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type ContentPart = JsonObject & {
  readonly type: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string; readonly detail?: string };
  readonly file?: JsonObject & {
    readonly filename?: string;
    readonly file_data?: string;
    readonly file_url?: string;
    readonly text?: string;
    readonly context?: string;
  };
};

export type ToolCall = JsonObject & {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
};

export type ChatMessage = JsonObject & {
  readonly role: string;
  readonly content?: string | readonly ContentPart[] | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly is_error?: boolean;
  readonly thinking_blocks?: readonly JsonObject[];
};

export type ChatRequest = JsonObject & {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream?: boolean | null;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
};

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export type ChatResponse = JsonObject & {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly (JsonObject & {
    readonly index: number;
    readonly message: JsonObject & {
      readonly role: 'assistant';
      readonly content: string | null;
      readonly tool_calls?: readonly ToolCall[];
    };
    readonly finish_reason: string | null;
  })[];
};

/** A tool call as it arrives in pieces: `id` and `name` in the first, `arguments` in each. */
interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

export type ChatChunk = JsonObject & {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly (JsonObject & {
    readonly index: number;
    readonly delta: JsonObject & {
      readonly role?: 'assistant';
      readonly content?: string | null;
      readonly tool_calls?: readonly ToolCallDelta[];
    };
    readonly finish_reason: string | null;
  })[];
};

/**
 * How often tools that the provider runs itself were used, by unit of prices, or by the provider's own name where
 * there is no unit; null where it is not told.
 */
export type ToolUses = Readonly<Record<string, number | null>>;

/**
 * Tokens of one call, integers of at least 0. `prompt_tokens` includes `cached_tokens` and
 * `cache_write_tokens`, and `completion_tokens` includes `reasoning_tokens`, as OpenAI counts; audio and image tokens
 * are in either sum too. Where a part is not told there is none. `total_tokens` is the sum of prompt and completion.
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
  /** Of several replies in one call: the longest prompt, whose length decides the prices. Absent: `prompt_tokens`. */
  readonly longest_prompt_tokens?: number;
  /** Pictures that the provider charges for by the piece. */
  readonly images?: number;
  /** Absent: none. */
  readonly tool_uses?: ToolUses;
  /** How the provider says that it served the call, where it charges other prices for that. */
  readonly service_tier?: ServiceTier;
}
