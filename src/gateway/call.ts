import type { Context } from 'koa';
import type { ApiKey, Customer, Deployment, ProviderKey } from '../catalog/snapshot.ts';
import type { RequestBody } from '../core/body.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { Pico } from '../core/money.ts';
import type { Attempt } from '../journal/record.ts';
import type { Price } from '../pricing/price.ts';
import type { Usage } from '../pricing/usage.ts';
import type { ClientProtocol, ParsedRequest } from './ai/client-protocol.ts';
import type { HostedTool } from './ai/hosted-tools.ts';
import type { ChunkStream, ProviderResponse, StreamEncoder } from './ai/operation.ts';
import type { ClientResponse } from './client-response.ts';
import type { Claim } from './idempotency/idempotency-keys.ts';
import type { SentResponse } from './idempotency/replay-store.ts';
import type { KeyReservation, Reservation } from './limits/budgets.ts';

/** A deployment that can serve the call, with its current price. */
export interface Candidate {
  readonly deployment: Deployment;
  /** Null if unpriced. */
  readonly price: Price | null;
  /** Name of the model at the provider. */
  readonly provider_model_name: string;
  readonly max_output_tokens: number | null;
  /** Upper bounds of the call's tokens at this provider. */
  readonly max_prompt_tokens: number;
  readonly max_completion_tokens: number;
  /** The customer's own provider key (BYOK); null: the operator's key. */
  readonly provider_key: ProviderKey | null;
  /** Requested tools that the provider runs itself. */
  readonly tools: readonly HostedTool[];
  /** The first of these tools without a known price. */
  readonly unpriced_tool: HostedTool | null;
  /** Set if the endpoint or the model is the customer's own, not the catalog's. */
  readonly byok: 'endpoint' | 'model' | null;
  /** Maximum that the provider can bill, to the operator or to the customer; null if unpriced. */
  readonly max_provider_cost: Pico | null;
  /** Maximum cost for the customer, including the provider's bill for the customer's own key; null if unpriced. */
  readonly max_customer_cost: Pico | null;
}

export interface Route {
  /** Best first. */
  readonly candidates: readonly Candidate[];
  /** Short reason of the order. */
  readonly decision: string;
  readonly routing_rule: string | null;
  readonly rule_version: string | null;
}

/** State of one call. Each step fills in its part. */
export interface Call {
  readonly request_id: string;
  readonly received_ms: number;
  readonly protocol: ClientProtocol;
  readonly ctx: Context;
  client_response: ClientResponse;
  /** Random bytes that precede the body in the request commitment. */
  readonly request_salt: Buffer;
  /** Random bytes that precede the body in the response commitment. */
  readonly response_salt: Buffer;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
  api_key: ApiKey | null;
  customer: Customer | null;
  body: Buffer;
  /** SHA-256(request_salt || body), lower-case hex; null without a body. */
  request_commitment: string | null;
  /** `body` as a provider that speaks the client's protocol gets it: decoded where it is JSON. */
  content: RequestBody;
  parsed: ParsedRequest | null;
  /** Claim on the client's Idempotency-Key; null without a key. */
  idempotency: Claim | null;
  /** Response of the first call with this key, which answers this one. */
  replay: SentResponse | null;
  compliance_flags: readonly string[];
  eligible: readonly Candidate[];
  reservation: Reservation | null;
  readonly key_reservations: KeyReservation[];
  route: Route | null;
  intent_sequence: number | null;
  readonly attempts: Attempt[];
  /** The candidate that responded, or the last one that was tried. */
  chosen: Candidate | null;
  /** Provider response of a call that is not streamed. */
  response: ProviderResponse | null;
  /** Encoder of a streamed call. */
  encoder: StreamEncoder | ChunkStream | null;
  usage: Usage | null;
  /**
   * Provider's bill to the customer if the customer's own key paid; null if unpriced, or if the operator's key paid.
   */
  provider_key_cost: Pico | null;
  usage_source: 'provider' | 'counted' | 'none';
  upstream_latency_ms: number | null;
  time_to_first_token_ms: number | null;
  error: OneVaultError | null;
  /** Traffic of a WebSocket session; null for other calls. */
  session: SessionTraffic | null;
}

/** Traffic that one side of a session sent. */
export interface SideTraffic {
  readonly message_count: number;
  /** Bytes of the message payloads. */
  readonly byte_count: number;
  /** Lower-case hex; null if this side sent nothing. */
  commitment(): string | null;
}

/** Traffic of a session, as its call record holds it. */
export interface SessionTraffic {
  readonly client: SideTraffic;
  readonly provider: SideTraffic;
  /** Number of finished responses. */
  responses: number;
  closed_by: 'client' | 'provider' | 'gateway' | null;
  close_code: number | null;
}

/** One step of a call. It throws a OneVaultError to refuse or fail the call. */
export type Step = (call: Call) => Promise<void> | void;
