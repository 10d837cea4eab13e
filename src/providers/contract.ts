/**
 * Contract of the gateway with a provider: an adapter translates between the pivot form (chat-form.ts) and the
 * provider's protocol, and passes requests that are already in this protocol through unchanged.
 */
import type { Body, RequestBody } from '../core/body.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { ToolUses, Usage } from '../pricing/usage.ts';
import type { ChatChunk, ChatRequest, ChatResponse, JsonObject } from './chat-form.ts';
import type { EmbeddingRequest, EmbeddingResponse } from './embedding-form.ts';
import type { ImageRequest, ImageResponse } from './image-form.ts';
import type { UnsupportedFields } from './unsupported-fields.ts';

/** Address, credentials and time limits of a provider. */
export interface Upstream {
  /** In the form that the provider's own SDK takes: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  readonly base_url: string;
  readonly api_key: string;
  readonly limits: UpstreamLimits;
  /** True if a customer chose the address: then it must not lead into the operator's own network. */
  readonly is_guarded?: boolean;
}

export interface UpstreamLimits {
  /** From the end of the request to the response's headers. */
  readonly headers_timeout_ms: number;
  /** Between two pieces of the response's body; a stalled provider is cut off afterwards. */
  readonly idle_timeout_ms: number;
  /** From the end of the request to the response's last byte. */
  readonly total_timeout_ms: number;
  /** Limit of a body that is read as a whole. */
  readonly max_response_bytes: number;
  /** Limit of a stream. It is not stored, but it must end. */
  readonly max_stream_bytes: number;
  /** Limit of one event of a stream, which is stored until it is complete. */
  readonly max_event_bytes: number;
}

/** One HTTP request to a provider. `path` is appended to `base_url`; the headers contain the type of the body. */
export interface UpstreamRequest {
  /** By default POST. A GET has no body. */
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One server-sent event: `data` lines joined by a line feed; `event` is '' if it has no name. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** Original text with comments; missing if the event was not read from a stream. */
  readonly raw?: string;
}

/** Text of a stream that is not an event: comments, which keep connections alive, ids and retry times. */
export interface SseAside {
  readonly data: null;
  readonly raw: string;
}

export type SsePiece = SseEvent | SseAside;

/** Accepts pieces of a stream. A promise resolves when it can accept more. */
export type TakePieces = (pieces: readonly SsePiece[]) => Promise<void> | null;

/** The same for a stream of bytes. */
export type TakeBytes = (chunks: readonly Uint8Array[]) => Promise<void> | null;

/**
 * A provider's response after its headers were read. Call exactly one of `text`, `bytes`, `each`, `eachChunk` and
 * `discard` once; `drain` may follow `each`.
 * Faults while the body is read are OneVaultErrors: provider_timeout, provider_disconnected, provider_malformed, or
 * client_closed_request if the call's signal was aborted.
 */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** The complete body as text. @param max_bytes by default `max_response_bytes` */
  text(max_bytes?: number): Promise<string>;
  /** The complete body as bytes. */
  bytes(): Promise<Uint8Array>;
  /**
   * Reads a body of events. `take` gets all pieces that the received bytes complete, as soon as it can accept them.
   * Resolves when the body has ended, or was drained or discarded.
   * @throws OneVaultError for a broken stream, or the error of `take`, which aborts the call
   */
  each(take: TakePieces): Promise<void>;
  /** The same for bytes: `take` gets each chunk as it arrives, whatever the content type is. */
  eachChunk(take: TakeBytes): Promise<void>;
  /** Reads and drops a short rest of the body, so that the connection can be reused. */
  drain(): void;
  /** Drops the body and closes the connection. */
  discard(): void;
}

export interface Caller {
  /**
   * Sends one call. A response of any status is a result.
   * @throws OneVaultError provider_unreachable, provider_timeout, provider_disconnected, provider_malformed;
   * client_closed_request if `signal` is aborted
   */
  call(
    upstream: Upstream,
    request: UpstreamRequest,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<UpstreamResponse>;
  /** Closes every connection; current calls fail. */
  close(): Promise<void>;
}

export interface RequestTarget {
  /** The provider's own name of the model. */
  readonly model: string;
  readonly stream: boolean;
  readonly upstream: Upstream;
  /** The model's output limit if known, used if the provider requires a limit and the client set none. */
  readonly max_output_tokens?: number | null;
}

/** A complete response after parsing. */
export interface ReadResponse<Result> {
  readonly result: Result;
  readonly usage: Usage | null;
  /** Error that makes it unusable, although its usage is charged; null or missing if it is usable. */
  readonly broken?: OneVaultError | null;
}

/** Translation of one kind of call between the internal form and the provider's protocol. */
export interface ProviderOperation<Form, Result> {
  /**
   * @param unsupported collects each field that the provider's protocol cannot express
   * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
   */
  request(form: Form, target: RequestTarget, unsupported: UnsupportedFields): UpstreamRequest;
  /**
   * @param text the body of a response with status 2xx
   * @throws OneVaultError provider_malformed
   */
  response(text: string): ReadResponse<Result>;
}

export interface ChatProviderOperation extends ProviderOperation<ChatRequest, ChatResponse> {
  stream(): ChatStream;
}

/** State of one response, which both kinds of stream report. */
interface StreamState {
  /**
   * Must be called at the end of the body.
   * @throws OneVaultError provider_disconnected if the response is incomplete
   */
  end(): void;
  /** True if the provider has sent its last event, so that nothing more is read. */
  readonly is_over?: boolean;
  readonly usage: Usage | null;
  /** Text, reasoning and tool arguments so far, for counting tokens if the provider reports no usage. */
  text(): string;
  /** Uses of the provider's own tools so far, if the provider reports no usage. */
  readonly tool_uses?: ToolUses;
  /** True if there is output that `text` does not contain, as audio. */
  readonly has_audio?: boolean;
}

/** The translation of one streamed response. */
export interface ChatStream extends StreamState {
  /**
   * Translates one event into chunks of the pivot form to send now. The usage is not in the chunks but in `usage`.
   * @throws OneVaultError provider_malformed, or the error of an error event
   */
  push(event: SseEvent): readonly ChatChunk[];
}

/**
 * Passthrough of requests and responses if client and provider use the same protocol. The bytes stay unchanged except
 * for the fields that routing and accounting need.
 */
export interface Passthrough {
  /**
   * @param body from the body reader of the client's protocol: JSON text of an object, or the bytes of a form
   * @param headers the client's
   * @param unsupported collects each field that this provider does not support, although its protocol has it
   * @throws OneVaultError invalid_request for a field that appears twice and determines the cost; unsupported_feature
   */
  request(
    body: RequestBody,
    target: RequestTarget,
    headers: ClientHeaders,
    unsupported: UnsupportedFields,
  ): UpstreamRequest;
  /**
   * Reads the fields that accounting needs from a response that passes through unchanged. Null if responses are never
   * plain JSON.
   * @returns `result`: the text that the model wrote, for counting
   * @throws OneVaultError provider_malformed
   */
  readonly response: ((text: string) => ReadResponse<() => string>) | null;
  /** Null if the protocol does not stream. */
  readonly stream: ((options: StreamOptions) => PassthroughStream) | null;
  /** Responses that are neither JSON nor events, with or without streaming; missing if there are none. */
  readonly bytes?: BytePassthrough;
}

/** Passthrough of bytes, as a whole or in chunks as they arrive. */
export type BytePassthrough =
  | { readonly whole: (body: Uint8Array, headers: UpstreamHeaders) => ByteResponse }
  | { readonly chunks: (headers: UpstreamHeaders) => PassthroughChunks };

/** A complete response that passes through unchanged. */
export interface ByteResponse extends ReadResponse<() => string> {
  readonly content_type: string;
  /** Length of the audio in seconds, if the provider reported it. */
  readonly audio_seconds?: number | undefined;
}

/** A response in chunks. A client knows only from the end of the body that it is complete. */
export interface PassthroughChunks extends StreamState {
  readonly content_type: string;
  /** Records a chunk that passes through. */
  push(chunk: Uint8Array): void;
}

export interface StreamOptions {
  /** True if the client requested usage; if not, usage that only the gateway requested is hidden from the client. */
  readonly include_usage: boolean;
}

export interface PassthroughStream extends StreamState {
  /**
   * Handles one event. @returns the text to send now, '' for none
   * @throws OneVaultError provider_malformed, or the error of an error event
   */
  push(event: SseEvent): string;
  /** The text that ends the response for the client. It is held back until the outcome is on disk. */
  last(): string;
  /** The number of the next event, if the protocol numbers events. */
  readonly next_number?: number;
}

export type ClientHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Protocol of a provider's realtime sessions. Their messages pass through unchanged. */
export interface RealtimeProtocol {
  /** The request for the WebSocket: its path and our credentials. @param headers the client's */
  request(
    target: Pick<RequestTarget, 'model' | 'upstream'>,
    headers: ClientHeaders,
  ): Pick<UpstreamRequest, 'path' | 'headers'>;
  /**
   * Usage of a response; null if it is not reported.
   * @param response from the event `response.done` @throws OneVaultError provider_malformed
   */
  usage(response: JsonObject): Usage | null;
}

export interface ProviderAdapter {
  readonly chat: ChatProviderOperation;
  /** Token count of a prompt; missing if the provider has no endpoint for it. */
  readonly count_tokens?: ProviderOperation<ChatRequest, number>;
  /** Embedding vectors of texts; missing if the provider has none. */
  readonly embeddings?: ProviderOperation<EmbeddingRequest, EmbeddingResponse>;
  /** Image generation; missing if the provider has none. */
  readonly images?: ProviderOperation<ImageRequest, ImageResponse>;
  /** Sessions over WebSocket; missing if the provider has none. */
  readonly realtime?: RealtimeProtocol;
  /** The cheapest call that requires a key, to check a key; missing if keys cannot be checked. */
  probe?(upstream: Upstream): UpstreamRequest;
  /** By name of the protocol; a client protocol uses the same name. */
  readonly passthroughs: Readonly<Record<string, Passthrough>>;
  /**
   * The client's error for a response with another status than 2xx: 429 becomes provider_rate_limited with its
   * retry-after, another 4xx provider_rejected with its status; 401, 403 and 5xx become provider_error. `details` holds
   * the provider's status and message without keys and hosts.
   */
  error(
    response: { readonly status: number; readonly headers: UpstreamHeaders; readonly body: string },
    upstream: Upstream,
  ): OneVaultError;
}
