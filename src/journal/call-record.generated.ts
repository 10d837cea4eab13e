// Generated from call-record.schema.json by `npm run generate`: never edit.

export type RouteFacts = {
  /**
   * Deployments that could serve the call, best first.
   */
  candidates: Candidate[];
  /**
   * Attempts in order.
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
 * One call in the journal. The gateway appends an intent before a provider sees the call. The intent already has the fields of the outcome ABANDONED, which applies if no outcome follows. Fields of `call` and `route` have the names of the vault's columns.
 */
export interface CallRecord {
  /**
   * Version of this schema.
   */
  schema_version: 1;
  kind: 'intent' | 'outcome';
  /**
   * For an outcome: sequence of its intent; null if the call was refused before it was admitted. For an intent: sequence of the earlier intent of the same call that it replaces; null for the first.
   */
  intent_sequence: number | null;
  request_id: string;
  /**
   * Instant of the append; becomes load_date.
   */
  recorded_at: string;
  /**
   * Business key; null if authentication found no customer.
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
  idempotency?: IdempotencyFacts;
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
/**
 * Present if the client sent an Idempotency-Key and the call was executed.
 */
export interface IdempotencyFacts {
  /**
   * HMAC-SHA-256 of customer, path and key under a secret of the installation.
   */
  key_hash: string;
  /**
   * HMAC-SHA-256 of the request body under the same secret.
   */
  body_hash: string;
}
export interface Candidate {
  provider: string;
  model: string;
  /**
   * Maximum cost of the call there, in pico-dollars; null if unpriced.
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
   * The customer's own key that was used; null or absent for the operator's key.
   */
  provider_key?: string | null;
  /**
   * Present if the called endpoint or model is the customer's own and not in the catalog. Its performance does not count for the provider.
   */
  customers_own?: 'endpoint' | 'model';
  /**
   * Pico-dollars that the provider bills to the customer; null if unpriced. Only on the last attempt, if the customer's own key was used.
   */
  provider_key_cost?: string | null;
  session?: SessionFacts;
  rating?: RatingFacts;
}
/**
 * Course of a session over WebSocket. Only on the last attempt, if the session was opened.
 */
export interface SessionFacts {
  /**
   * Ended responses.
   */
  responses: number;
  client_messages: number;
  provider_messages: number;
  closed_by: 'client' | 'provider' | 'gateway' | null;
  /**
   * Close code of RFC 6455, section 7.4: 1005 if the close frame has none, 1006 if the connection was cut off; null while the session is open.
   */
  close_code: number | null;
}
/**
 * Rating of the call. Only on the last attempt, if the call was rated.
 */
export interface RatingFacts {
  /**
   * Charged units, by their names in the columns of prices: `input` is charged at input_price.
   */
  units: {
    [k: string]: number;
  };
  /**
   * Tier of the provider's price.
   */
  tier: number;
  /**
   * hash_diff of the tier's set in model_price_tier_s; absent if the tier is the row of model_price_s itself, with price_version.
   */
  tier_version?: string;
  /**
   * Tier of the customer's own price; absent if the customer pays the provider's price with its markup.
   */
  agreed_tier?: number;
  /**
   * hash_diff of the set in customer_price_s that contains agreed_tier.
   */
  agreed_version?: string;
  /**
   * The customer's markup on each unit price; 2000 is 20 %.
   */
  markup_basis_points: number;
  /**
   * Uses of tools that the provider may charge and that have no price, by name; null if the number was not reported. The costs do not include them.
   */
  unpriced?: {
    [k: string]: number | null;
  };
}
