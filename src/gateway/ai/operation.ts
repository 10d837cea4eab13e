import type { Deployment, Model } from '../../catalog/snapshot.ts';
import type { Body } from '../../core/body.ts';
import type { OneVaultError } from '../../core/errors.ts';
import type { Attempt } from '../../journal/record.ts';
import type { ServiceTier } from '../../pricing/prices.ts';
import type { Rating } from '../../pricing/rating.ts';
import type { ToolUses, Usage } from '../../pricing/usage.ts';
import type {
  ProviderAdapter,
  RequestTarget,
  SsePiece,
  UpstreamHeaders,
  UpstreamRequest,
} from '../../providers/contract.ts';
import type { UnsupportedFields } from '../../providers/unsupported-fields.ts';
import type { HostedTool } from './hosted-tools.ts';

/** Facts of a call that are known at the end of its client response. */
export interface FinishedCall {
  readonly request_id: string;
  readonly received_ms: number;
  readonly usage: Usage | null;
  readonly chosen: { readonly deployment: Deployment } | null;
  readonly route: { readonly decision: string; readonly routing_rule: string | null } | null;
  readonly attempts: readonly Attempt[];
}

/** A whole provider response, ready to be written for the client. */
export interface ProviderResponse {
  readonly usage: Usage | null;
  /** The error with which the call fails despite the response. */
  readonly broken?: OneVaultError | null;
  /** Text that the provider wrote. It is counted if the provider reported no usage. */
  written(): string;
  /** The client's body. It never throws: all checks are done when the response is read. */
  body(call: FinishedCall, rating: Rating): Body;
  /** Absent: JSON. */
  readonly content_type?: string | undefined;
  /** Length of the audio in seconds, if the provider reported it. */
  readonly audio_seconds?: number | undefined;
}

/** Common part of both kinds of streamed response. */
interface StreamReport {
  /**
   * Call it when the provider's body has ended.
   * @throws OneVaultError if the response is not complete
   */
  end(): void;
  /** Number of the next event, in protocols that number them. */
  readonly next_number?: number;
  /** The end of the client's stream. It is sent when the outcome is on disk. */
  last(call: FinishedCall, rating: Rating): string;
  readonly usage: Usage | null;
  written(): string;
  /** Uses of the provider's own tools, seen in a stream without reported usage. */
  readonly tool_uses?: ToolUses | undefined;
  /** True if there is output that `written` does not contain, for example audio. */
  readonly has_audio?: boolean | undefined;
}

/** A response in chunks of bytes, which pass unchanged. Only its end shows the client that it is complete. */
export interface ChunkStream extends StreamReport {
  readonly content_type: string;
  /** Records a chunk that passes through. */
  push(chunk: Uint8Array): void;
}

/** Converts one streamed response of events for the client. */
export interface StreamEncoder extends StreamReport {
  /**
   * Takes one piece of the provider's stream.
   * @returns the client's text for it, possibly ''
   * @throws OneVaultError
   */
  push(piece: SsePiece): string;
  /** True if the rest of the provider's stream is ignored. */
  readonly is_over: boolean;
  /** Text that only keeps the connection alive; '' if the client's protocol has none. */
  readonly keep_alive: string;
}

/** A comment, which readers of server-sent events ignore (WHATWG HTML, section 9.2.6). */
export const KEEP_ALIVE = ': keep-alive\n\n';

/** Exchange with one provider: the request, and the readers of its response. */
export interface UpstreamExchange {
  readonly request: UpstreamRequest;
  /**
   * @param text the body of a 2xx response
   * @throws OneVaultError
   */
  whole(text: string): ProviderResponse;
  stream(): StreamEncoder;
  /** Reader of a response that is neither JSON nor events; absent: there is no such response. */
  readonly bytes?: ByteExchange | undefined;
}

/** Reader of a response of bytes: whole, or in chunks as they come. */
export type ByteExchange =
  | { readonly whole: (body: Uint8Array, headers: UpstreamHeaders) => ProviderResponse }
  | { readonly chunks: (headers: UpstreamHeaders) => ChunkStream };

/** Operation of a call: the steps need not know its kind. One file for each kind, in `operations/`. */
export interface Operation {
  /** True if tokens cost money. If false, missing usage is not counted. */
  readonly isBilled: boolean;
  /** Capability that the model must have. */
  readonly capability: string;
  /** True if the provider or the gateway itself can do it. */
  isServedBy(adapter: ProviderAdapter): boolean;
  /** Requested service tier: it can have other prices. */
  readonly service_tier?: ServiceTier;
  /** Requested tools that a provider runs itself. Only a passthrough carries them. */
  readonly hosted_tools?: readonly HostedTool[];
  /** All text that a person wrote, for the compliance detectors. */
  promptText(): string | Promise<string>;
  /**
   * Upper bounds of the call's tokens at a model.
   * @param body_bytes the size of the request
   */
  maxPromptTokens(model: Model, body_bytes: number): number;
  maxCompletionTokens(model: Model): number;
  /** Upper bound of images; absent: none. */
  maxImages?(): number;
  /** Upper bound of the seconds of transcribed audio; absent: none. */
  maxAudioSeconds?(): number;
  /** Characters of text to speak: the request shows their exact number; absent: none. */
  countCharacters?(): number;
  /**
   * Exchange with a provider of another protocol; null if the gateway responds itself (`ownResponse`).
   * @throws OneVaultError unsupported_feature or invalid_request
   */
  translate(adapter: ProviderAdapter, target: RequestTarget, unsupported: UnsupportedFields): UpstreamExchange | null;
  /** The gateway's own response, if the provider has no endpoint for the operation. */
  ownResponse(): Promise<ProviderResponse>;
  /**
   * Counts the usage if the provider reported none.
   * @param written text that the provider wrote
   * @param audio_seconds length of the audio, if the provider reported it
   */
  countUsage(written: string, audio_seconds?: number): Promise<Usage>;
}
