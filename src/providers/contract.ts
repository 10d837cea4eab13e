/**
 * What a provider is to the gateway. The pivot form of a chat call is OpenAI's chat-completions JSON: an
 * adapter translates pivot to provider and back. These types name what we read; every other field passes.
 */
import type { OneVaultError } from '../core/errors.ts';

export type Protocol = 'openai' | 'anthropic';

/** A JSON object whose fields we have not looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

type ContentPart = JsonObject & {
  readonly type: string;
  readonly text?: string;
  readonly image_url?: { readonly url: string; readonly detail?: string };
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
 * Tokens of one call, integers of at least 0. `prompt_tokens` includes `cached_tokens` and
 * `cache_write_tokens`, and `completion_tokens` includes `reasoning_tokens`, as OpenAI counts;
 * `total_tokens` is the sum of prompt and completion.
 */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly cached_tokens: number;
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
}

/** Where a provider is, how we identify ourselves there, and how long we wait. */
export interface Upstream {
  /** As the provider's own SDK takes it: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  readonly base_url: string;
  readonly api_key: string;
  readonly limits: UpstreamLimits;
}

export interface UpstreamLimits {
  /** From the request sent to the reply's headers. */
  readonly headers_timeout_ms: number;
  /** Between two pieces of the reply's body: a stalled provider is cut after it. */
  readonly idle_timeout_ms: number;
  /** From the request sent to the reply's last byte. */
  readonly total_timeout_ms: number;
  /** The largest body read whole; a stream has no such limit, as it is not kept. */
  readonly max_reply_bytes: number;
}

/** One HTTP POST to a provider: `path` is appended to `base_url`, `body` is JSON text. */
export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One server-sent event: `data` lines joined by a line feed; `event` is '' where none was named. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * A provider's reply, its headers read. Exactly one of `text`, `events` and `discard` is called, once.
 * While the body is read, faults come as OneVaultError: provider_timeout, provider_disconnected,
 * provider_malformed, or client_closed_request when the call's signal was aborted.
 */
export interface UpstreamReply {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** The body whole, as text. */
  text(): Promise<string>;
  /** The events of a streamed body: all those of one piece of bytes at once. Leaving the loop aborts the call. */
  events(): AsyncIterable<readonly SseEvent[]>;
  /** Drops the body. */
  discard(): void;
}

export interface Caller {
  /**
   * Sends one call. Any status is a reply.
   * @throws OneVaultError provider_unreachable, provider_timeout, provider_disconnected, provider_malformed;
   * client_closed_request when `signal` is aborted
   */
  call(
    upstream: Upstream,
    request: UpstreamRequest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<UpstreamReply>;
  /** Ends every connection; calls under way fail. */
  close(): Promise<void>;
}

export interface RequestTarget {
  /** The provider's own name of the model. */
  readonly model: string;
  readonly stream: boolean;
  readonly upstream: Upstream;
  /** What the model can write at most, where known: stands in where a provider demands a limit and the client set none. */
  readonly max_output_tokens?: number | null;
}

export interface AdapterResponse {
  readonly body: ChatResponse;
  /** `body` as JSON text: the provider's own bytes where it speaks the pivot form. */
  readonly text: string;
  readonly usage: Usage | null;
}

export interface StreamOptions {
  /** Whether the client asked for usage (`stream_options.include_usage`): else the usage frame is hidden. */
  readonly include_usage: boolean;
}

/** The translation of one streamed reply; holds the state of that stream. */
export interface ChatStream {
  /**
   * Takes one event; gives the frames to send now: chunks of the pivot form, JSON text on one line.
   * `[DONE]` is never among them: it is the gateway's to send, once `finished` and the outcome is on disk.
   * @throws OneVaultError provider_malformed, or what an error event of the provider means
   */
  push(event: SseEvent): readonly string[];
  /**
   * To be called when the body has ended.
   * @throws OneVaultError provider_disconnected when the reply is not whole
   */
  end(): void;
  /** The provider has said that nothing follows. */
  readonly finished: boolean;
  readonly usage: Usage | null;
  /** Text, reasoning and tool arguments produced so far, for counting tokens where usage never came. */
  text(): string;
}

export interface ProviderAdapter {
  readonly protocol: Protocol;
  /** @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field */
  request(chat: ChatRequest, target: RequestTarget): UpstreamRequest;
  /**
   * @param text the body of a 2xx reply
   * @throws OneVaultError provider_malformed
   */
  response(text: string): AdapterResponse;
  stream(options: StreamOptions): ChatStream;
  /**
   * What a reply other than 2xx means for the client: 429 stays 429 with its retry-after, another 4xx is
   * provider_rejected with its status, 401, 403 and 5xx are provider_error. The provider's status and
   * message stand in `details`, keys and hosts removed.
   */
  error(
    reply: { readonly status: number; readonly headers: UpstreamHeaders; readonly body: string },
    upstream: Upstream,
  ): OneVaultError;
}
