/**
 * The pivot form, the common form between all translations of chat calls. It is OpenAI's chat-completions JSON with
 * the same meaning of each field, and with these extensions for features that OpenAI's form lacks:
 *
 * - request: `top_k`, `thinking` (Anthropic's object), `cache_control` (at the top level, on parts and on tools)
 * - parts: `file.file_url`, `file.text` (a document as text), `file.context`
 * - messages: `thinking_blocks` (opaque, signed by the provider that wrote them), `reasoning_content`; on a message of
 *   role `tool`: `is_error`, and images and files in `content`
 * - responses: `reasoning_content`, `thinking_blocks` in messages and deltas, `stop_sequence` in a choice
 *
 * These types name the fields that the gateway reads. All other fields stay unchanged, and each translation decides
 * about them.
 */

/** A JSON object with fields of unknown types. */
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

/** A piece of a tool call: the first has `id` and `name`, each has `arguments`. */
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
