// Generated from call-record.schema.json by `npm run generate`: never edit.

export type RouteFacts = {
  /**
   * What could have served the call, best first.
   */
  candidates: Candidate[];
  /**
   * What was tried, in order.
   */
  attempts: Attempt[];
  decision: string;
  rule_version: string | null;
  /**
   * Pico-dollars.
   */
  max_cost: string | null;
} | null;

/**
 * One call as the gateway appends it to the journal. An intent is written before a provider sees the call and already reads as the outcome that holds if nothing more is heard of it: ABANDONED. Fields of `call` and `route` bear the names of the vault's columns.
 */
export interface CallRecord {
  /**
   * Version of this schema.
   */
  schema_version: 1;
  kind: 'intent' | 'outcome';
  /**
   * Sequence of the intent that this outcome answers, null when the call was refused before it was admitted; of an intent, that of the earlier intent of the same call whose place it takes, null when it is the first.
   */
  intent_sequence: number | null;
  request_id: string;
  /**
   * When the record was appended; becomes load_date.
   */
  recorded_at: string;
  /**
   * Business key; null when authentication found none.
   */
  customer: string | null;
  /**
   * Business key (the key's id, never the key).
   */
  api_key: string | null;
  provider: string | null;
  model: string | null;
  routing_rule: string | null;
  call: CallFacts;
  route: RouteFacts;
}
export interface CallFacts {
  request_timestamp: string;
  request_type: string;
  endpoint: string;
  model_requested: string | null;
  model_used: string;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_tokens: number | null;
  cached_tokens: number | null;
  cache_write_tokens: number | null;
  reasoning_tokens: number | null;
  request_latency_ms: number;
  upstream_latency_ms: number | null;
  time_to_first_token_ms: number | null;
  /**
   * Pico-dollars.
   */
  provider_cost: string | null;
  /**
   * Pico-dollars.
   */
  gateway_markup: string | null;
  /**
   * Pico-dollars.
   */
  customer_cost: string | null;
  rating: 'RATED' | 'UNPRICED' | 'NONE';
  price_version: string | null;
  route_reason: string | null;
  request_ip: string | null;
  user_agent: string | null;
  response_status: 'SUCCESS' | 'ERROR' | 'TIMEOUT' | 'REFUSED' | 'CANCELLED' | 'ABANDONED';
  http_status: number;
  error_code: string | null;
  error_message: string | null;
  compliance_flags: string[];
  usage_source: 'provider' | 'counted' | 'none';
  is_streamed: boolean;
  priority: string | null;
  request_bytes: number;
  response_bytes: number;
  request_commitment: string | null;
  response_commitment: string | null;
}
export interface Candidate {
  provider: string;
  model: string;
  /**
   * Pico-dollars that the call could cost there at most; null when unpriced.
   */
  worst_cost: string | null;
}
export interface Attempt {
  provider: string;
  model: string;
  latency_ms: number;
  http_status: number | null;
  error_code: string | null;
  /**
   * The customer's own key that it was called with; null, or absent: the operator's.
   */
  provider_key?: string | null;
  /**
   * Present where what was called is the customer's own and not what the catalog has: an endpoint, or a model at the provider. How it did says nothing about the provider.
   */
  customers_own?: 'endpoint' | 'model';
  /**
   * Pico-dollars that the provider bills to the customer for it; null when unpriced. With the last attempt alone, and where the customer's own key was used.
   */
  provider_key_cost?: string | null;
  session?: SessionFacts;
  rating?: RatingFacts;
}
/**
 * How a session over WebSocket went. With the last attempt alone, and where it was opened.
 */
export interface SessionFacts {
  /**
   * Responses that ended.
   */
  responses: number;
  client_messages: number;
  provider_messages: number;
  closed_by: 'client' | 'provider' | 'gateway' | null;
  /**
   * Of RFC 6455, section 7.4: 1005 where none was said, 1006 where the connection was cut; null while it is open.
   */
  close_code: number | null;
}
/**
 * How the costs of the call were found. With the last attempt alone, and where something was rated.
 */
export interface RatingFacts {
  /**
   * How many of each unit were charged, by its name in the columns of prices: `input` is charged at input_price.
   */
  units: {
    [k: string]: number;
  };
  /**
   * Tier of the provider's price.
   */
  tier: number;
  /**
   * hash_diff of the set in model_price_tier_s that the tier is of; absent: of the row of model_price_s itself, price_version.
   */
  tier_version?: string;
  /**
   * Tier of the customer's own price; absent where it pays the provider's with its markup.
   */
  agreed_tier?: number;
  /**
   * hash_diff of the set in customer_price_s that agreed_tier is of.
   */
  agreed_version?: string;
  /**
   * The customer's markup on each unit price; 2000 is 20 %.
   */
  markup_basis_points: number;
  /**
   * How often tools were used that the provider may charge for and that have no price, by their names; null where it is not told. The costs are without them.
   */
  unpriced?: {
    [k: string]: number | null;
  };
}
