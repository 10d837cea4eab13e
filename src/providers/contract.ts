/**
 * What a provider is to the gateway: an adapter that translates the pivot form (chat-form.ts) to the provider's wire
 * and back, and passes bodies of its own wires untouched.
 */
import type { Body } from '../core/body.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { ToolUses, Usage } from '../pricing/usage.ts';
import type { ChatChunk, ChatRequest, ChatResponse, JsonObject } from './chat-form.ts';
import type { EmbeddingRequest, EmbeddingResponse } from './embedding-form.ts';
import type { ImageRequest, ImageResponse } from './image-form.ts';
import type { UnsupportedFields } from './unsupported-fields.ts';

/** Where a provider is, how we identify ourselves there, and how long we wait. */
export interface Upstream {
  /** As the provider's own SDK takes it: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  readonly base_url: string;
  readonly api_key: string;
  readonly limits: UpstreamLimits;
  /** Whether a customer chose the address: then it may not lead into the operator's own network. */
  readonly is_guarded?: boolean;
}

export interface UpstreamLimits {
  /** From the request sent to the reply's headers. */
  readonly headers_timeout_ms: number;
  /** Between two pieces of the reply's body: a stalled provider is cut after it. */
  readonly idle_timeout_ms: number;
  /** From the request sent to the reply's last byte. */
  readonly total_timeout_ms: number;
  /** The largest body read whole. */
  readonly max_reply_bytes: number;
  /** The longest stream: it is not kept, but it must end. */
  readonly max_stream_bytes: number;
  /** The largest event of a stream, which is kept until it is whole. */
  readonly max_event_bytes: number;
}

/** One HTTP request to a provider: `path` is appended to `base_url`; the headers name the type of the body. */
export interface UpstreamRequest {
  /** POST where nothing is said; a GET has no body. */
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** One server-sent event: `data` lines joined by a line feed; `event` is '' where none was named. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The text that it stood in, comments and all; absent where none did. */
  readonly raw?: string;
}

/** What of a stream is no event: comments, which keep connections alive, ids and retry times. */
export interface SseAside {
  readonly data: null;
  readonly raw: string;
}

export type SsePiece = SseEvent | SseAside;

/** Takes what has come of a stream; a promise resolves when there is room for more. */
export type TakePieces = (pieces: readonly SsePiece[]) => Promise<void> | null;

/** Likewise of a stream of bytes. */
export type TakeBytes = (chunks: readonly Uint8Array[]) => Promise<void> | null;

/**
 * A provider's reply, its headers read. Exactly one of `text`, `bytes`, `each`, `eachChunk` and `discard` is
 * called, once; `drain` may follow on `each`.
 * While the body is read, faults come as OneVaultError: provider_timeout, provider_disconnected,
 * provider_malformed, or client_closed_request when the call's signal was aborted.
 */
export interface UpstreamResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** The body whole, as text. @param max_bytes `max_reply_bytes` unless given */
  text(max_bytes?: number): Promise<string>;
  /** Likewise as bytes. */
  bytes(): Promise<Uint8Array>;
  /**
   * A streamed body: gives `take` all that one piece of bytes completes at once, as soon as it has come and `take` has
   * room again. Resolves when the body is over, drained or discarded.
   * @throws OneVaultError what broke the stream, or what `take` threw, which aborts the call
   */
  each(take: TakePieces): Promise<void>;
  /** Likewise of bytes that are no events: each chunk as it comes, whatever type the response says that it has. */
  eachChunk(take: TakeBytes): Promise<void>;
  /** Lets what is left of the body go by unread, if it is little, so that the connection is kept. */
  drain(): void;
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
  ): Promise<UpstreamResponse>;
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

/** A whole reply, read. */
export interface ReadResponse<Result> {
  readonly result: Result;
  readonly usage: Usage | null;
  /** Why it cannot be taken for a reply, though its usage is paid for; null or absent: it can. */
  readonly broken?: OneVaultError | null;
}

/** What a provider does for one kind of call: from the internal form to its wire, and back. */
export interface ProviderOperation<Form, Result> {
  /**
   * @param losses is told of each field that the provider's wire cannot express
   * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
   */
  request(form: Form, target: RequestTarget, unsupported: UnsupportedFields): UpstreamRequest;
  /**
   * @param text the body of a 2xx reply
   * @throws OneVaultError provider_malformed
   */
  response(text: string): ReadResponse<Result>;
}

export interface ChatProviderOperation extends ProviderOperation<ChatRequest, ChatResponse> {
  stream(): ChatStream;
}

/** What both kinds of stream tell; each holds the state of one reply. */
interface StreamState {
  /**
   * To be called when the body has ended.
   * @throws OneVaultError provider_disconnected when the reply is not whole
   */
  end(): void;
  /** Whether the provider has said its last word: then nothing more is read. */
  readonly is_over?: boolean;
  readonly usage: Usage | null;
  /** Text, reasoning and tool arguments produced so far, for counting tokens where usage never came. */
  text(): string;
  /** Uses of the provider's own tools so far, where usage never came. */
  readonly tool_uses?: ToolUses;
  /** Whether there is output that `text` does not show, as audio. */
  readonly has_audio?: boolean;
}

/** The translation of one streamed reply. */
export interface ChatStream extends StreamState {
  /**
   * Takes one event; gives the chunks of the pivot form to send now. Usage is not among them: it is in `usage`.
   * @throws OneVaultError provider_malformed, or what an error event of the provider means
   */
  push(event: SseEvent): readonly ChatChunk[];
}

/**
 * How a client's own bytes go through where client and provider speak the same wire: untouched but for what routing
 * and accounting need, both ways.
 */
export interface Passthrough {
  /**
   * @param body as the reader of the client's protocol gives it: JSON text, known to be an object, or the bytes of a form
   * @param headers the client's
   * @param losses is told of each field that this provider does not take, though it speaks the wire
   * @throws OneVaultError invalid_request for a field that stands twice and that accounting reads; unsupported_feature
   */
  request(body: Body, target: RequestTarget, headers: ClientHeaders, unsupported: UnsupportedFields): UpstreamRequest;
  /**
   * Reads what accounting needs of a reply that passes as it is.
   * @returns `result`: what the model wrote, for counting
   * @throws OneVaultError provider_malformed
   * Null where no reply is JSON alone.
   */
  readonly response: ((text: string) => ReadResponse<() => string>) | null;
  /** Null where the wire does not stream. */
  readonly stream: ((options: StreamOptions) => PassthroughStream) | null;
  /** Replies that are neither JSON nor events, whether or not a stream was asked for; absent: there are none. */
  readonly bytes?: BytePassthrough;
}

/** How bytes pass: read whole, or in chunks as they come. */
export type BytePassthrough =
  | { readonly whole: (body: Uint8Array, headers: UpstreamHeaders) => ByteResponse }
  | { readonly chunks: (headers: UpstreamHeaders) => PassthroughChunks };

/** A whole reply that passes as it is. */
export interface ByteResponse extends ReadResponse<() => string> {
  readonly content_type: string;
}

/** A reply in chunks; a client knows by its end alone that it is whole. */
export interface PassthroughChunks extends StreamState {
  readonly content_type: string;
  /** Notes a chunk that passes. */
  push(chunk: Uint8Array): void;
}

export interface StreamOptions {
  /** Whether the client asked for usage itself: else what came only because we asked is hidden from it. */
  readonly include_usage: boolean;
}

export interface PassthroughStream extends StreamState {
  /**
   * Takes one event; gives the text to send now, '' where there is none.
   * @throws OneVaultError provider_malformed, or what an error event of the provider means
   */
  push(event: SseEvent): string;
  /** What tells the client that the reply is whole: held back until the outcome is on disk. */
  last(): string;
  /** The number of the next event, where the wire numbers them. */
  readonly next_number?: number;
}

export type ClientHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What a provider's realtime sessions are on the wire; their messages pass as they are. */
export interface RealtimeProtocol {
  /** The request that becomes a WebSocket: its path, and what identifies us. @param headers the client's */
  request(
    target: Pick<RequestTarget, 'model' | 'upstream'>,
    headers: ClientHeaders,
  ): Pick<UpstreamRequest, 'path' | 'headers'>;
  /**
   * What a response used; null where that is not told.
   * @param response as the event `response.done` has it @throws OneVaultError provider_malformed
   */
  usage(response: JsonObject): Usage | null;
}

export interface ProviderAdapter {
  readonly chat: ChatProviderOperation;
  /** Tokens of a prompt; absent where the provider has no endpoint for it. */
  readonly count_tokens?: ProviderOperation<ChatRequest, number>;
  /** Vectors of texts; absent where the provider has none. */
  readonly embeddings?: ProviderOperation<EmbeddingRequest, EmbeddingResponse>;
  /** Pictures of a description; absent where the provider draws none. */
  readonly images?: ProviderOperation<ImageRequest, ImageResponse>;
  /** Sessions over WebSocket; absent where the provider has none. */
  readonly realtime?: RealtimeProtocol;
  /** The cheapest call that needs a key, to see whether one is accepted; absent: keys cannot be checked. */
  probe?(upstream: Upstream): UpstreamRequest;
  /** By the name of the wire, which a client protocol names as its own. */
  readonly passthroughs: Readonly<Record<string, Passthrough>>;
  /**
   * What a reply other than 2xx means for the client: 429 is provider_rate_limited with its retry-after, another
   * 4xx is provider_rejected with its status, 401, 403 and 5xx are provider_error. The provider's status and
   * message stand in `details`, keys and hosts removed.
   */
  error(
    reply: { readonly status: number; readonly headers: UpstreamHeaders; readonly body: string },
    upstream: Upstream,
  ): OneVaultError;
}
