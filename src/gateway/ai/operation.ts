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

/** What is known of a call when the end of its reply is written. */
export interface FinishedCall {
  readonly request_id: string;
  readonly received_ms: number;
  readonly usage: Usage | null;
  readonly chosen: { readonly deployment: Deployment } | null;
  readonly route: { readonly decision: string; readonly routing_rule: string | null } | null;
  readonly attempts: readonly Attempt[];
}

/** A whole reply, read for its client. */
export interface ProviderResponse {
  readonly usage: Usage | null;
  /** Why the call fails with it all the same. */
  readonly broken?: OneVaultError | null;
  /** What the provider wrote, for counting where it told no usage. */
  written(): string;
  /** The body for the client. It cannot fail: what could was done when the reply was read. */
  body(call: FinishedCall, rating: Rating): Body;
  /** Absent: JSON. */
  readonly content_type?: string | undefined;
}

/** What both kinds of streamed reply report. */
interface StreamReport {
  /** To be called when the body has ended. @throws OneVaultError when the reply is not whole */
  end(): void;
  /** The number of the next event, where the protocol numbers them. */
  readonly next_number?: number;
  /** What tells the client that the reply is whole: it leaves when the outcome is on disk. */
  last(call: FinishedCall, rating: Rating): string;
  readonly usage: Usage | null;
  written(): string;
  /** What the provider's own tools did, where it told no usage. */
  readonly tool_uses?: ToolUses | undefined;
  /** Whether there is output that `written` does not show, as audio. */
  readonly has_audio?: boolean | undefined;
}

/** A reply in chunks of bytes, which pass as they are: a client knows by its end alone that it is whole. */
export interface ChunkStream extends StreamReport {
  readonly content_type: string;
  /** Notes a chunk that passes. */
  push(chunk: Uint8Array): void;
}

/** A streamed reply of events, on its way to its client. */
export interface StreamEncoder extends StreamReport {
  /** Takes one piece of the provider's stream; gives what the client gets of it, '' where that is nothing. @throws OneVaultError */
  push(piece: SsePiece): string;
  /** Whether nothing more of the provider's stream is to be read. */
  readonly is_over: boolean;
  /** What tells the client that its call lives, and nothing else; '' where its protocol has no such thing. */
  readonly keep_alive: string;
}

/** A comment, which readers of server-sent events pass over (WHATWG HTML, section 9.2.6). */
export const KEEP_ALIVE = ': keep-alive\n\n';

/** What is said to one provider, and how its reply is read for the client. */
export interface UpstreamExchange {
  readonly request: UpstreamRequest;
  /** @param text the body of a 2xx reply @throws OneVaultError */
  whole(text: string): ProviderResponse;
  stream(): StreamEncoder;
  /** Replies that are neither JSON nor events; absent: there are none. */
  readonly bytes?: ByteExchange | undefined;
}

/** How a reply of bytes is read: whole, or in chunks as they come. */
export type ByteExchange =
  | { readonly whole: (body: Uint8Array, headers: UpstreamHeaders) => ProviderResponse }
  | { readonly chunks: (headers: UpstreamHeaders) => ChunkStream };

/** What a call has to do, so that no step needs to know of which kind it is. One file a kind, in `work/`. */
export interface Operation {
  /** Whether tokens are paid for: else nothing is counted where a provider tells no usage. */
  readonly isBilled: boolean;
  /** What a model must be capable of. */
  readonly capability: string;
  /** Whether a provider can do it, or we can without it. */
  isServedBy(adapter: ProviderAdapter): boolean;
  /** How the provider is asked to serve the call, where that has other prices. */
  readonly service_tier?: ServiceTier;
  /** Tools that the provider is asked to run itself, where the call goes to it untouched; absent: none. */
  readonly hosted_tools?: readonly HostedTool[];
  /** All that a person wrote, for finding what needs care. */
  promptText(): string | Promise<string>;
  /** Upper bounds of what the call may use at a model. @param body_bytes the size of the request */
  maxPromptTokens(model: Model, body_bytes: number): number;
  maxCompletionTokens(model: Model): number;
  /** Likewise of pictures; absent: none. */
  maxImages?(): number;
  /**
   * The dialogue with a provider whose wire is not the client's; null where the provider is not needed (`answer`).
   * @throws OneVaultError unsupported_feature or invalid_request
   */
  translate(adapter: ProviderAdapter, target: RequestTarget, unsupported: UnsupportedFields): UpstreamExchange | null;
  /** The answer that we give ourselves where a provider has none. */
  ownResponse(): Promise<ProviderResponse>;
  /** Counts what was used where the provider told nothing. @param written what it wrote */
  countUsage(written: string): Promise<Usage>;
}
