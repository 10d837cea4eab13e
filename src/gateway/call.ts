import type { Context } from 'koa';
import type { ApiKey, Customer, Deployment, ProviderKey } from '../catalog/snapshot.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { Pico } from '../core/money.ts';
import type { Attempt } from '../journal/record.ts';
import type { Price } from '../pricing/price.ts';
import type { Usage } from '../pricing/usage.ts';
import type { ClientProtocol, ParsedRequest } from './ai/client-protocol.ts';
import type { HostedTool } from './ai/hosted-tools.ts';
import type { ProviderResponse, StreamEncoder } from './ai/operation.ts';
import type { ClientResponse } from './client-response.ts';
import type { KeyReservation, Reservation } from './limits/budgets.ts';

/** An offer that could serve the call, with its price now. */
export interface Candidate {
  readonly deployment: Deployment;
  /** Null: unpriced. */
  readonly price: Price | null;
  /** The provider's own name of the model. */
  readonly provider_model_name: string;
  readonly max_output_tokens: number | null;
  /** Upper bounds of what the call may use there. */
  readonly max_prompt_tokens: number;
  readonly max_completion_tokens: number;
  /** With whose key it is called: the customer's own, or, null, the operator's. */
  readonly provider_key: ProviderKey | null;
  /** Tools that the provider is asked to run itself. */
  readonly tools: readonly HostedTool[];
  /** Of these, one whose use has no known price. */
  readonly unpriced_tool: HostedTool | null;
  /** What is called, where that is not what the catalog has but the customer's own. */
  readonly byok: 'endpoint' | 'model' | null;
  /** What the provider could bill at most, whoever pays it; null when unpriced. */
  readonly max_provider_cost: Pico | null;
  /** What the call could cost the customer there at most, what the provider bills it for its own key included; null when unpriced. */
  readonly max_customer_cost: Pico | null;
}

export interface Route {
  /** Best first. */
  readonly candidates: readonly Candidate[];
  /** Why this order, in a few words. */
  readonly decision: string;
  readonly routing_rule: string | null;
  readonly rule_version: string | null;
}

/** One call on its way through the steps: each step fills in what it finds. */
export interface Call {
  readonly request_id: string;
  readonly received_ms: number;
  readonly protocol: ClientProtocol;
  readonly ctx: Context;
  readonly client_response: ClientResponse;
  /** Random bytes before the body in the request's commitment. */
  readonly request_salt: Buffer;
  /** Likewise in the reply's. */
  readonly reply_salt: Buffer;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  api_key: ApiKey | null;
  customer: Customer | null;
  body: Buffer;
  /** SHA-256(request_salt || body), lower-case hex; null where there is no body. */
  request_commitment: string | null;
  /** `body`, decoded. */
  text: string;
  parsed: ParsedRequest | null;
  compliance_flags: readonly string[];
  eligible: readonly Candidate[];
  reservation: Reservation | null;
  readonly key_reservations: KeyReservation[];
  route: Route | null;
  intent_sequence: number | null;
  readonly attempts: Attempt[];
  /** The candidate that answered, or was last tried. */
  chosen: Candidate | null;
  /** The whole reply, of a call that is not streamed. */
  response: ProviderResponse | null;
  /** The reply that is coming, of a call that is streamed. */
  encoder: StreamEncoder | null;
  usage: Usage | null;
  /** What the provider bills to the customer, whose own key paid; null when unpriced, or when it did not. */
  provider_key_cost: Pico | null;
  usage_source: 'provider' | 'counted' | 'none';
  upstream_latency_ms: number | null;
  time_to_first_token_ms: number | null;
  error: OneVaultError | null;
  /** What went through, of a call that is a session over WebSocket. */
  session: SessionTally | null;
}

/** What one side of a session said. */
export interface SideTally {
  readonly message_count: number;
  /** Payloads of the messages. */
  readonly byte_count: number;
  /** Lower-case hex; null where nothing was said. */
  commitment(): string | null;
}

/** A session as its record tells it. */
export interface SessionTally {
  readonly client: SideTally;
  readonly provider: SideTally;
  /** Responses that ended. */
  responses: number;
  closed_by: 'client' | 'provider' | 'gateway' | null;
  close_code: number | null;
}

/** One step of a call. It throws OneVaultError to refuse or fail it. */
export type Step = (call: Call) => Promise<void> | void;
