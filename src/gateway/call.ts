import type { Context } from 'koa';
import type { ApiKey, Customer, Offer, Price } from '../control/snapshot.ts';
import type { OneVaultError } from '../core/errors.ts';
import type { Pico } from '../core/money.ts';
import type { Attempt } from '../journal/record.ts';
import type { AdapterResponse, ChatRequest, Usage } from '../providers/contract.ts';
import type { Reservation } from './budgets.ts';
import type { Rating } from './rating.ts';
import type { Reply } from './reply.ts';

/** What a client asks for, read from its own protocol into the pivot form. */
export interface Ask {
  readonly chat: ChatRequest;
  /** Null: the gateway chooses. */
  readonly model: string | null;
  /** What kind of work it is, for routing rules. */
  readonly type: string;
  readonly priority: string | null;
  /** The most that the call may cost its customer. */
  readonly max_cost: Pico | null;
  readonly stream: boolean;
  /** Whether the client itself asked for usage in a stream. */
  readonly include_usage: boolean;
}

/** An offer that could serve the call, with its price now. */
export interface CandidateOffer {
  readonly offer: Offer;
  /** Null: unpriced. */
  readonly price: Price | null;
  /** The provider's own name of the model. */
  readonly provider_model_name: string;
  readonly max_output_tokens: number | null;
  /** Upper bounds of what the call may use there. */
  readonly most_prompt_tokens: number;
  readonly most_completion_tokens: number;
  /** What the call could cost the customer there at most; null when unpriced. */
  readonly worst_cost: Pico | null;
}

export interface Route {
  /** Best first. */
  readonly candidates: readonly CandidateOffer[];
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
  readonly reply: Reply;
  /** Random bytes before the body in the request's commitment. */
  readonly request_salt: Buffer;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  api_key: ApiKey | null;
  customer: Customer | null;
  body: Buffer;
  ask: Ask | null;
  compliance_flags: readonly string[];
  eligible: readonly CandidateOffer[];
  reservation: Reservation | null;
  route: Route | null;
  intent_sequence: number | null;
  readonly attempts: Attempt[];
  /** The candidate that answered, or was last tried. */
  chosen: CandidateOffer | null;
  /** The whole reply, of a call that is not streamed. */
  response: AdapterResponse | null;
  usage: Usage | null;
  usage_source: 'provider' | 'counted' | 'none';
  /** The text that a provider produced, for counting where it told no usage; null when it produced nothing. */
  produced_text: (() => string) | null;
  upstream_latency_ms: number | null;
  time_to_first_token_ms: number | null;
  error: OneVaultError | null;
}

/** What a client speaks: how its request is read and its reply is written. One file a protocol. */
export interface ClientProtocol {
  /** The path, as recorded with each call. */
  readonly endpoint: string;
  /** @throws OneVaultError invalid_request, naming the field */
  read(body: unknown): Ask;
  /** The body of a whole reply, as JSON text. */
  reply(response: AdapterResponse, call: Call, rating: Rating): string;
  /** A chunk of the pivot form (JSON text) as the bytes of a stream; '' where it says nothing to this client. */
  frame(chunk: string): string;
  /** What ends a stream that is whole. */
  end(call: Call, rating: Rating): string;
  /** What ends a stream that broke. */
  broken(error: OneVaultError, call: Call, now_ms: number): string;
}

/** One step of a call. It throws OneVaultError to refuse or fail it. */
export type Step = (call: Call) => Promise<void> | void;
