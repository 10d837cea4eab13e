/* Generated from vault/entities by `npm run generate`: never edit. */

/**
 * A company or service that answers AI calls.
 */
export interface AiProviderH {
  /**
   * Hash key.
   */
  provider_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Slug of the provider, lower case, as `openai`.
   */
  provider_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A key that a customer signs in with. The key itself is never stored.
 */
export interface ApiKeyH {
  /**
   * Hash key.
   */
  api_key_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the key, a UUID in lower case.
   */
  api_key_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One call, refused ones included.
 */
export interface ApiRequestH {
  /**
   * Hash key.
   */
  api_request_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Request id, a UUIDv7 in lower case.
   */
  api_request_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * An action of a person or a part of the product: a change, a read, a log-in, a command; also a refused one.
 */
export interface AuditEventH {
  /**
   * Hash key.
   */
  audit_event_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the event, a UUIDv7 in lower case: ids sort by time.
   */
  audit_event_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A customer who sends calls and gets invoices.
 */
export interface CustomerH {
  /**
   * Hash key.
   */
  customer_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Slug of the customer, lower case.
   */
  customer_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A key that a customer brought for a provider. Its satellite has the encrypted key.
 */
export interface CustomerProviderKeysH {
  /**
   * Hash key.
   */
  customer_provider_key_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the key, a UUID in lower case.
   */
  customer_provider_key_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Spending of one customer in one billing period.
 */
export interface CustomerSpendingH {
  /**
   * Hash key.
   */
  spending_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * `<customer>/<first day of the period>`.
   */
  spending_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Destruction of one day of calls at the end of their retention period.
 */
export interface DestructionCertificateH {
  /**
   * Hash key.
   */
  destruction_certificate_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Class, day and number of the destruction of that day, as `calls-2019-05-01-1`: late calls create a destroyed day again.
   */
  destruction_certificate_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One erasure of a subject's personal data.
 */
export interface ErasureH {
  /**
   * Hash key.
   */
  erasure_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the erasure and of its audit event, a UUID in lower case.
   */
  erasure_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * An issued invoice.
 */
export interface InvoiceH {
  /**
   * Hash key.
   */
  invoice_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Invoice number, gapless a billing entity.
   */
  invoice_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One job at one logical instant.
 */
export interface JobRunH {
  /**
   * Hash key.
   */
  job_run_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * `<job>/<instant>`.
   */
  job_run_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A legal hold: a reason why a subject's data must not be erased.
 */
export interface LegalHoldH {
  /**
   * Hash key.
   */
  legal_hold_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the hold, a UUID in lower case.
   */
  legal_hold_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A model, by its name in requests.
 */
export interface ModelH {
  /**
   * Hash key.
   */
  model_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Name of the model, lower case, as `gpt-4o-mini`.
   */
  model_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One measuring window of one provider and model.
 */
export interface ProviderPerformanceH {
  /**
   * Hash key.
   */
  performance_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * `<provider>/<model>/<start of the window>/<minutes>`.
   */
  performance_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One generated report.
 */
export interface ReportH {
  /**
   * Hash key.
   */
  report_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Id of the report, a UUID in lower case.
   */
  report_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * One rule over one period of traffic.
 */
export interface RoutingRuleEvaluationH {
  /**
   * Hash key.
   */
  routing_rule_evaluation_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * `<rule>/<start of the period>/<minutes>`.
   */
  routing_rule_evaluation_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A rule that chooses provider and model for a call.
 */
export interface RoutingRuleH {
  /**
   * Hash key.
   */
  routing_rule_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Slug of the rule, lower case.
   */
  routing_rule_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * An organisation that runs customers on the gateway.
 */
export interface TenantH {
  /**
   * Hash key.
   */
  tenant_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Slug of the tenant, lower case.
   */
  tenant_bk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer of an API key.
 */
export interface ApiKeyCustomerL {
  /**
   * Hash key.
   */
  api_key_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related api_key_h row.
   */
  api_key_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer, API key, provider, model and routing rule of a call. It points to the ghost record for a missing one, for example if no provider took the call.
 */
export interface ApiRequestL {
  /**
   * Hash key.
   */
  api_request_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related api_request_h row.
   */
  api_request_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * Hash key of the related api_key_h row.
   */
  api_key_hk: string;
  /**
   * Hash key of the related ai_provider_h row.
   */
  provider_hk: string;
  /**
   * Hash key of the related model_h row.
   */
  model_hk: string;
  /**
   * Hash key of the related routing_rule_h row.
   */
  routing_rule_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customers whose data an event changed or showed.
 */
export interface AuditEventCustomerL {
  /**
   * Hash key.
   */
  audit_event_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related audit_event_h row.
   */
  audit_event_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A customer with its own prices for a model at a provider.
 */
export interface CustomerPriceL {
  /**
   * Hash key.
   */
  customer_price_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * Hash key of the related model_h row.
   */
  model_hk: string;
  /**
   * Hash key of the related ai_provider_h row.
   */
  provider_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer and provider of a key.
 */
export interface CustomerProviderKeysL {
  /**
   * Hash key.
   */
  customer_provider_key_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related customer_provider_keys_h row.
   */
  customer_provider_key_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * Hash key of the related ai_provider_h row.
   */
  provider_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer of a spending record.
 */
export interface CustomerSpendingL {
  /**
   * Hash key.
   */
  customer_spending_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related customer_spending_h row.
   */
  spending_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Tenant of a customer.
 */
export interface CustomerTenantL {
  /**
   * Hash key.
   */
  customer_tenant_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * Hash key of the related tenant_h row.
   */
  tenant_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer whose personal data was erased.
 */
export interface ErasureCustomerL {
  /**
   * Hash key.
   */
  erasure_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related erasure_h row.
   */
  erasure_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer of an invoice.
 */
export interface InvoiceCustomerL {
  /**
   * Hash key.
   */
  invoice_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related invoice_h row.
   */
  invoice_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer whose data a hold protects from erasure.
 */
export interface LegalHoldCustomerL {
  /**
   * Hash key.
   */
  legal_hold_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related legal_hold_h row.
   */
  legal_hold_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A model as one provider serves it.
 */
export interface ModelProviderL {
  /**
   * Hash key.
   */
  model_provider_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related model_h row.
   */
  model_hk: string;
  /**
   * Hash key of the related ai_provider_h row.
   */
  provider_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Provider and model of a performance window.
 */
export interface ProviderPerformanceL {
  /**
   * Hash key.
   */
  provider_performance_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related provider_performance_h row.
   */
  performance_hk: string;
  /**
   * Hash key of the related ai_provider_h row.
   */
  provider_hk: string;
  /**
   * Hash key of the related model_h row.
   */
  model_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Customer of a report; the ghost record for a report about all customers.
 */
export interface ReportCustomerL {
  /**
   * Hash key.
   */
  report_customer_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related report_h row.
   */
  report_hk: string;
  /**
   * Hash key of the related customer_h row.
   */
  customer_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Routing rule of an evaluation.
 */
export interface RoutingRuleEvaluationL {
  /**
   * Hash key.
   */
  routing_rule_evaluation_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Hash key of the related routing_rule_evaluation_h row.
   */
  routing_rule_evaluation_hk: string;
  /**
   * Hash key of the related routing_rule_h row.
   */
  routing_rule_hk: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Agreements with a provider and their end dates. Calls with protected data go only to providers that these allow.
 */
export interface AiProviderComplianceS {
  /**
   * Hash key of its ai_provider_h row.
   */
  provider_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * True if a business associate agreement (HIPAA, 45 CFR 164.504(e)) is signed.
   */
  has_baa: boolean;
  /**
   * True if a data processing agreement (GDPR, Art. 28) is signed.
   */
  has_dpa: boolean;
  /**
   * Regions in which calls are processed: ISO 3166-1 country codes, or `EU`; empty if not stated.
   *
   * @maxItems 1000
   */
  processing_regions: string[];
  /**
   * Days for which the provider keeps prompts and responses; 0 if it keeps none, null when not stated.
   */
  retention_days: number | null;
  /**
   * True if the provider may train models on our calls.
   */
  trains_on_data: boolean;
  /**
   * Legal basis of a transfer out of the EU (GDPR, Chapter V); null without one.
   */
  transfer_mechanism: 'ADEQUACY' | 'SCC' | 'BCR' | 'DEROGATION' | null;
  /**
   * First day of the agreements.
   */
  valid_from: string;
  /**
   * Last day of the agreements; null when they have no end.
   */
  valid_until: string | null;
  /**
   * Place of the signed documents.
   */
  evidence: string | null;
  /**
   * SHA-256 of the signed documents.
   */
  evidence_sha256: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Address and limits of a provider.
 */
export interface AiProviderS {
  /**
   * Hash key of its ai_provider_h row.
   */
  provider_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the provider.
   */
  provider_name: string;
  /**
   * Protocol of the provider's API.
   */
  protocol: 'openai' | 'anthropic' | 'google';
  /**
   * Base URL of the provider's API.
   */
  api_endpoint: string;
  /**
   * Names of the models of the provider; null if not stated.
   *
   * @maxItems 1000
   */
  models_available: string[] | null;
  /**
   * Typical cost of 1,000 tokens, pico-dollars; rating uses model_price_s, never this.
   */
  cost_per_1k_tokens: string | null;
  /**
   * Maximum number of tokens of one request.
   */
  max_tokens_per_request: number | null;
  /**
   * Maximum number of requests a minute that the provider accepts.
   */
  requests_per_minute_limit: number | null;
  /**
   * Last stated latency, milliseconds; provider_performance_s has the measured values.
   */
  current_latency_ms: number | null;
  /**
   * Last stated availability, percent.
   */
  current_availability_percent: string | null;
  /**
   * Quality rating, 0 to 100.
   */
  quality_score: string | null;
  /**
   * True if calls may be routed to the provider.
   */
  is_active: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Permissions, expiry and status of an API key.
 */
export interface ApiKeyS {
  /**
   * Hash key of its api_key_h row.
   */
  api_key_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * SHA-256 of the key. The key itself is shown once and never stored.
   */
  key_sha256: string;
  /**
   * First characters of the key, for people to recognise it.
   */
  key_prefix: string;
  /**
   * Name that the customer gave the key.
   */
  key_name: string;
  /**
   * Permitted uses of the key.
   *
   * @maxItems 1000
   */
  scopes: string[];
  /**
   * Addresses or CIDR blocks that may use the key; null allows all.
   *
   * @maxItems 1000
   */
  allowed_ips: string[] | null;
  /**
   * Instant from which the key is refused; null means never.
   */
  expires_at: string | null;
  /**
   * Status of the key.
   */
  key_status: 'ACTIVE' | 'REVOKED';
  /**
   * Maximum number of requests a minute with this key; null applies the customer's limit.
   */
  rate_limit_requests_per_minute: number | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Idempotency key of a call: present only if the client sent one and the call was executed.
 */
export interface ApiRequestIdempotencyS {
  /**
   * Hash key of its api_request_h row.
   */
  api_request_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * HMAC-SHA-256 of customer, path and Idempotency-Key under a secret of the installation.
   */
  key_hash: string;
  /**
   * HMAC-SHA-256 of the request body under the same secret.
   */
  body_hash: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Decision about the route of a call: candidates, attempts and the rule in force.
 */
export interface ApiRequestRouteS {
  /**
   * Hash key of its api_request_h row.
   */
  api_request_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Candidates in the order of preference, with the compared values.
   *
   * @maxItems 1000
   */
  candidates: unknown[];
  /**
   * Upstream attempts in the order of time, with their results.
   *
   * @maxItems 1000
   */
  attempts: unknown[];
  /**
   * Reason for the route.
   */
  decision: string;
  /**
   * hash_diff of the routing_rule_s row that decided; null when no rule did.
   */
  rule_version: string | null;
  /**
   * Maximum cost that the client allowed, pico-dollars; null when not stated.
   */
  max_cost: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Result of a call: usage, cost and times. Prompts and responses are never stored.
 */
export interface ApiRequestS {
  /**
   * Hash key of its api_request_h row.
   */
  api_request_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Instant at which the call was received.
   */
  request_timestamp: string;
  /**
   * Kind of call, as `completion` or `embedding`.
   */
  request_type: string;
  /**
   * Path of the call.
   */
  endpoint: string;
  /**
   * Model in the request; null if the client left the choice to the gateway.
   */
  model_requested: string | null;
  /**
   * Model that served the call; null when none did.
   */
  model_used: string | null;
  /**
   * Tokens of the prompt, cached ones included; null when not known.
   */
  prompt_tokens: number | null;
  /**
   * Tokens of the response, reasoning included; null when not known.
   */
  completion_tokens: number | null;
  /**
   * Prompt and completion tokens together; null when not known.
   */
  total_tokens: number | null;
  /**
   * Prompt tokens that were read from the provider's cache; null when not known.
   */
  cached_tokens: number | null;
  /**
   * Prompt tokens that were written to the provider's cache; null when not known.
   */
  cache_write_tokens: number | null;
  /**
   * Completion tokens that were spent on reasoning; null when not known.
   */
  reasoning_tokens: number | null;
  /**
   * Time from the arrival of the call to the end of the response, milliseconds; null when it never ended.
   */
  request_latency_ms: number | null;
  /**
   * Time from sending the call upstream to the end of the upstream's response, milliseconds; null when nothing was sent.
   */
  upstream_latency_ms: number | null;
  /**
   * Time from the arrival of the call to the first token sent to the client, milliseconds; null without tokens.
   */
  time_to_first_token_ms: number | null;
  /**
   * Cost at the provider, pico-dollars; null when unpriced.
   */
  provider_cost: string | null;
  /**
   * Customer cost less provider cost, pico-dollars: negative if the customer's agreed price is lower; null when unpriced.
   */
  gateway_markup: string | null;
  /**
   * Cost for the customer: provider cost and markup, pico-dollars; null if unpriced.
   */
  customer_cost: string | null;
  /**
   * RATED: the row has the costs; UNPRICED: usage without a price; NONE: no usage.
   */
  rating: 'RATED' | 'UNPRICED' | 'NONE';
  /**
   * hash_diff of the model_price_s row that rated the call; null if not rated. The last attempt in api_request_route_s has units, tier and markup.
   */
  price_version: string | null;
  /**
   * Reason for the choice of provider and model; null when none was chosen.
   */
  route_reason: string | null;
  /**
   * Address of the client.
   */
  request_ip: string | null;
  /**
   * The client's user agent.
   */
  user_agent: string | null;
  /**
   * Outcome of the call.
   */
  response_status: 'SUCCESS' | 'ERROR' | 'TIMEOUT' | 'REFUSED' | 'CANCELLED' | 'ABANDONED';
  /**
   * HTTP status of the response.
   */
  http_status: number;
  /**
   * Code of the error; null on success.
   */
  error_code: string | null;
  /**
   * Message of the error; null on success.
   */
  error_message: string | null;
  /**
   * Kinds of protected data found in the prompt, as `PHI`, and `UNSCANNED` if it has base64, which is not searched; empty when none.
   *
   * @maxItems 1000
   */
  compliance_flags: string[];
  /**
   * Source of the token counts: the provider, the gateway, or none.
   */
  usage_source: 'provider' | 'counted' | 'none';
  /**
   * True if the response was streamed.
   */
  is_streamed: boolean;
  /**
   * Priority in the request; null without one.
   */
  priority: string | null;
  /**
   * Size of the request body, bytes.
   */
  request_bytes: number;
  /**
   * Size of the response body sent to the client, bytes.
   */
  response_bytes: number;
  /**
   * Salted SHA-256 of the request body, with which a holder of the body can prove it; null without a body.
   */
  request_commitment: string | null;
  /**
   * Salted SHA-256 of the response body, with which a holder of the body can prove it; null without a body.
   */
  response_commitment: string | null;
  /**
   * Journal writer that recorded the call.
   */
  journal_writer: string;
  /**
   * Sequence of the intent in its writer's journal; null when the call was refused before one.
   */
  intent_sequence: number | null;
  /**
   * Sequence of the outcome in its writer's journal; gapless a writer, intents included.
   */
  journal_sequence: number;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Actor, action, subject, origin and outcome of an audit event.
 */
export interface AuditEventS {
  /**
   * Hash key of its audit_event_h row.
   */
  audit_event_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Kind of the actor; unknown for a missing or unknown key.
   */
  actor_kind: 'administrator' | 'auditor' | 'customer' | 'command' | 'system' | 'unknown';
  /**
   * The actor: the id of the API key, the user of the machine, or the part of the product; the first characters of an unknown key, and unknown without a key.
   */
  actor: string;
  /**
   * The action, for example customer.create, vault.read, login.fail.
   */
  action: string;
  /**
   * Kind of the subject, for example customer, api_key, request, endpoint.
   */
  subject_kind: string;
  /**
   * The subject of the action; null for none or many.
   */
  subject: string | null;
  /**
   * Outcome: succeeded, refused by a rule, or failed by a fault.
   */
  outcome: 'succeeded' | 'refused' | 'failed';
  /**
   * Reason of a refusal or failure, or the stated reason of the action; null without one.
   */
  reason: string | null;
  /**
   * State before a change; null without a change or an earlier state. Never a secret, never personal data.
   */
  before: {} | null;
  /**
   * State after a change; null without a change. Never a secret, never personal data.
   */
  after: {} | null;
  /**
   * Id of the HTTP request; null where there was none.
   */
  request_id: string | null;
  /**
   * Address of the client; null where there was none, or many.
   */
  request_ip: string | null;
  /**
   * User agent of the client; null where there was none, or many.
   */
  user_agent: string | null;
  /**
   * Number of equal events in this one: failures that repeat within a minute are recorded together.
   */
  event_count: number;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Contract and limits of a customer.
 */
export interface CustomerConfigS {
  /**
   * Hash key of its customer_h row.
   */
  customer_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the customer's organisation.
   */
  customer_name: string;
  /**
   * Status of the customer. Calls are served only while it is ACTIVE; CLOSED is final.
   */
  customer_status: 'ACTIVE' | 'SUSPENDED' | 'CLOSED';
  /**
   * Always null: keys are kept only as SHA-256 in auth.api_key_s.
   */
  api_key_encrypted: string | null;
  /**
   * Slugs of the providers to prefer, best first; null means no preference.
   *
   * @maxItems 1000
   */
  preferred_providers: string[] | null;
  /**
   * Spending limit a calendar month (UTC), pico-dollars; null means none.
   */
  cost_budget_monthly: string | null;
  /**
   * Spending limit a day (UTC), pico-dollars; null means none.
   */
  cost_budget_daily: string | null;
  /**
   * Regulation that the customer's calls fall under, as `HIPAA`; null means none named.
   */
  compliance_level: string | null;
  /**
   * Requests a minute; null means the gateway's default.
   */
  rate_limit_requests_per_minute: number | null;
  /**
   * Priority of the customer's calls when the gateway is full.
   */
  priority_tier: 'BASIC' | 'STANDARD' | 'PREMIUM';
  /**
   * Address for notifications; null for none.
   */
  webhook_url: string | null;
  /**
   * Markup on provider cost, in hundredths of a percent.
   */
  markup_basis_points: number;
  /**
   * Policy for calls to a model without a price.
   */
  unpriced_policy: 'allow' | 'refuse';
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Names, addresses and the like, encrypted under a key of their subject before they are hashed: without the key nothing of it can be read, and destroying the key erases it.
 */
export interface CustomerPiiS {
  /**
   * Hash key of its customer_h row.
   */
  customer_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * The personal data, encrypted.
   */
  pii_encrypted: string;
  /**
   * Id of the subject's key in privacy.subject_key.
   */
  subject_key_id: string;
  /**
   * Encryption algorithm.
   */
  encryption_algorithm: 'AES-256-GCM';
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A customer's own prices of a model at a provider, instead of the provider's price with its markup. The prices are valid from applied_date on; hash_diff, of the whole set, is the version that calls record.
 */
export interface CustomerPriceS {
  /**
   * Hash key of its customer_price_l row.
   */
  customer_price_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Position of the row in its set, from 0: the standard price.
   */
  tier: number;
  /**
   * Service tier of the calls that the row applies to.
   */
  service_tier: 'standard' | 'batch' | 'flex' | 'priority';
  /**
   * The row applies to calls whose prompt has more tokens than this; 0 applies to all.
   */
  above_prompt_tokens: number;
  /**
   * First second of the day (UTC) at which the row applies; null if it applies all day.
   */
  daily_from_s: number | null;
  /**
   * Second of the day (UTC) before which the row applies; less than daily_from_s if midnight lies between; null if it applies all day.
   */
  daily_until_s: number | null;
  /**
   * Price of one prompt token, pico-dollars; null if that unit has no price of its own.
   */
  input_price: string | null;
  /**
   * Price of one completion token, pico-dollars; null if that unit has no price of its own.
   */
  output_price: string | null;
  /**
   * Price of one prompt token read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_input_price: string | null;
  /**
   * Price of one prompt token written to the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cache_write_price: string | null;
  /**
   * Price of one prompt token written to the provider's cache for an hour, pico-dollars; null if that unit has no price of its own.
   */
  long_cache_write_price: string | null;
  /**
   * Price of one reasoning token, pico-dollars; null if that unit has no price of its own.
   */
  reasoning_price: string | null;
  /**
   * Price of one audio token in the prompt, pico-dollars; null if that unit has no price of its own.
   */
  audio_input_price: string | null;
  /**
   * Price of one audio token in the prompt read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_audio_input_price: string | null;
  /**
   * Price of one audio token in the response, pico-dollars; null if that unit has no price of its own.
   */
  audio_output_price: string | null;
  /**
   * Price of one image token in the prompt, pico-dollars; null if that unit has no price of its own.
   */
  image_input_price: string | null;
  /**
   * Price of one image token in the prompt read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_image_input_price: string | null;
  /**
   * Price of one image token in the response, pico-dollars; null if that unit has no price of its own.
   */
  image_output_price: string | null;
  /**
   * Price of one generated image, pico-dollars; null if that unit has no price of its own.
   */
  image_price: string | null;
  /**
   * Price of one request of any size, pico-dollars; null if that unit has no price of its own.
   */
  request_price: string | null;
  /**
   * Price of one second of transcribed audio, pico-dollars; null if that unit has no price of its own.
   */
  audio_second_price: string | null;
  /**
   * Price of one character (Unicode code point) of text to speak, pico-dollars; null if that unit has no price of its own.
   */
  character_price: string | null;
  /**
   * Price of one search of the web that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  web_search_price: string | null;
  /**
   * Price of one search of stored files that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  file_search_price: string | null;
  /**
   * Price of one search of maps that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  maps_search_price: string | null;
  /**
   * Price of one machine that the provider ran code on, pico-dollars; null if that unit has no price of its own.
   */
  code_session_price: string | null;
  /**
   * True if these prices are in force; false if the customer pays the provider's prices with its markup again.
   */
  is_agreed: boolean;
  /**
   * Source of the agreement, for example the number of a contract; null if not stated.
   */
  agreement: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Terms of a customer's provider key: its endpoint, the customer's custom models, and the payer of calls that the key cannot pay.
 */
export interface CustomerProviderKeyTermsS {
  /**
   * Hash key of its customer_provider_keys_h row.
   */
  customer_provider_key_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Address of the customer's own endpoint; null for the provider's.
   */
  base_url: string | null;
  /**
   * Last four characters of the key, for people to recognise it; null if the key is too short to show them.
   */
  key_hint: string | null;
  /**
   * Custom models of the customer: the name in requests, the provider's name, and the base model in the catalog with their abilities and prices.
   *
   * @maxItems 100
   */
  own_models: unknown[];
  /**
   * Payer of calls that the key cannot pay because of its limits or a refusal of the provider: none, or the operator's key.
   */
  fallback: 'none' | 'platform';
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A customer's key at a provider, encrypted, and the limits of its use.
 */
export interface CustomerProviderKeysS {
  /**
   * Hash key of its customer_provider_keys_h row.
   */
  customer_provider_key_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * The provider's key, encrypted; encryption_key_id names the encryption key.
   */
  api_key_encrypted: string;
  /**
   * Id of the key that api_key_encrypted is encrypted with.
   */
  encryption_key_id: string;
  /**
   * Status of the key.
   */
  key_status: 'ACTIVE' | 'REVOKED' | 'EXPIRED';
  /**
   * Maximum spend through the key in a day (UTC), pico-dollars; null means no limit.
   */
  daily_spending_limit: string | null;
  /**
   * Maximum spend through the key in a month (UTC), pico-dollars; null means no limit.
   */
  monthly_spending_limit: string | null;
  /**
   * Models that the key may be used for; null means every model of the provider.
   *
   * @maxItems 1000
   */
  allowed_models: string[] | null;
  /**
   * Instant at which the provider last accepted the key; null before the first time.
   */
  last_validated: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Time for which responses of a customer's calls are repeated to a client that sends an Idempotency-Key again.
 */
export interface CustomerReplayS {
  /**
   * Hash key of its customer_h row.
   */
  customer_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Seconds for which the gateway keeps a response in memory to repeat it; null keeps none.
   */
  replay_window_s: number | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Totals of a customer's calls in a billing period.
 */
export interface CustomerSpendingS {
  /**
   * Hash key of its customer_spending_h row.
   */
  spending_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * First day of the period.
   */
  billing_period: string;
  /**
   * Calls in the period.
   */
  total_requests: number;
  /**
   * Prompt and completion tokens in the period.
   */
  total_tokens: number;
  /**
   * Charges of the providers, pico-dollars.
   */
  total_provider_cost: string;
  /**
   * Markup, pico-dollars; negative if the customer's agreed prices are lower than the providers' charges.
   */
  total_gateway_revenue: string;
  /**
   * Charges of the customer for calls, pico-dollars.
   */
  total_customer_charges: string;
  /**
   * Customer cost by provider slug, pico-dollars as decimal strings.
   */
  cost_by_provider: {};
  /**
   * Customer cost by model name, pico-dollars as decimal strings.
   */
  cost_by_model: {};
  /**
   * Cost above the monthly budget; null when there is no budget, pico-dollars.
   */
  overage_charges: string | null;
  /**
   * Credits set against the cost; null when there are none, pico-dollars.
   */
  credits_applied: string | null;
  /**
   * Billing status of the period.
   */
  billing_status: 'PENDING' | 'BILLED' | 'PAID';
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Period in which a customer belongs to a tenant. A customer belongs to one tenant at a time: a new tenant ends the period of the one before.
 */
export interface CustomerTenantEffectivityS {
  /**
   * Hash key of its customer_tenant_l row.
   */
  customer_tenant_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * True if the relation is in force from applied_date on; false if it ends there.
   */
  is_effective: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Destroyed calls: their number and age, the authority of the destruction, and their leaves in the audit log.
 */
export interface DestructionCertificateS {
  /**
   * Hash key of its destruction_certificate_h row.
   */
  destruction_certificate_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Retention class of the tables.
   */
  data_class: string;
  /**
   * The day (UTC) of load_date whose partitions were dropped.
   */
  destroyed_day: string;
  /**
   * Number of days after its end for which the day had to be kept.
   */
  retention_days: number;
  /**
   * Calls that were destroyed.
   */
  call_count: number;
  /**
   * Customers of these calls.
   */
  customer_count: number;
  /**
   * Dropped rows: `table`, `partition` and `rows` each.
   *
   * @maxItems 100
   */
  table_rows: unknown[];
  /**
   * Instant of the first of the calls; null without calls.
   */
  first_request: string | null;
  /**
   * Instant of the last of the calls; null without calls.
   */
  last_request: string | null;
  /**
   * Leaves of the audit log for the calls.
   */
  leaf_count: number;
  /**
   * SHA-256 of the hashes of these leaves, 32 bytes each, in the order of the log.
   */
  leaves_sha256: string;
  /**
   * The log whose newest checkpoint covered the leaves; null when there was none.
   */
  checkpoint_origin: string | null;
  /**
   * Leaves of that checkpoint; null when there was none.
   */
  checkpoint_size: number | null;
  /**
   * Root of that checkpoint; null when there was none.
   */
  checkpoint_root: string | null;
  /**
   * Rule under which it was destroyed.
   */
  authority: string;
  /**
   * Business key of the job run in job_run_h.
   */
  job_run: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Positions of destroyed calls in the audit log; hash_diff covers all ranges of the certificate.
 */
export interface DestructionLeavesS {
  /**
   * Hash key of its destruction_certificate_h row.
   */
  destruction_certificate_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Position of the range, from 1; ranges are in the order of the log.
   */
  range_number: number;
  /**
   * Index of the first leaf of the range.
   */
  first_leaf: number;
  /**
   * Leaves of the range, each of a destroyed call.
   */
  leaf_count: number;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Sums of destroyed calls; hash_diff covers all sums of the certificate.
 */
export interface DestructionUsageS {
  /**
   * Hash key of its destruction_certificate_h row.
   */
  destruction_certificate_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Position of the sum, from 1.
   */
  usage_number: number;
  /**
   * Day (UTC) on which the calls arrived.
   */
  usage_day: string;
  /**
   * Customer slug.
   */
  customer: string;
  /**
   * Provider slug; `unknown` when no provider took the calls.
   */
  provider: string;
  /**
   * Model; `unknown` when no model took the calls.
   */
  model: string;
  /**
   * Calls.
   */
  call_count: number;
  /**
   * Tokens of the calls.
   */
  total_tokens: number;
  /**
   * Provider cost of the calls, pico-dollars, exact.
   */
  provider_cost: string;
  /**
   * Markup of the calls, pico-dollars, exact.
   */
  gateway_markup: string;
  /**
   * Cost of the calls for the customer, pico-dollars, exact.
   */
  customer_cost: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Destruction of a subject's key: its reason, and the data that cannot be read any more.
 */
export interface ErasureS {
  /**
   * Hash key of its erasure_h row.
   */
  erasure_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Reason for the erasure. Never personal data.
   */
  reason: string;
  /**
   * Actor of the erasure: the id of an API key, or the user of the machine.
   */
  requested_by: string;
  /**
   * Id of the destroyed key; null if the subject had no key, because no personal data of it was stored.
   */
  subject_key_id: string | null;
  /**
   * Ids of the master keys that may wrap copies of the destroyed key, for example in backups: once these are destroyed too, the copies are worthless. Empty if no key was destroyed.
   *
   * @maxItems 1000
   */
  master_key_ids: string[];
  /**
   * Rows of customer_pii_s that the destroyed key decrypted.
   */
  states_erased: number;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * The lines of an invoice; hash_diff covers the whole set of lines.
 */
export interface InvoiceLineS {
  /**
   * Hash key of its invoice_h row.
   */
  invoice_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Position of the line on the invoice, from 1.
   */
  line_number: number;
  /**
   * Text of the line.
   */
  description: string;
  /**
   * Provider slug of the calls; null if the line is not about calls.
   */
  provider: string | null;
  /**
   * Model of the calls; null if the line is not about calls.
   */
  model: string | null;
  /**
   * Calls on the line.
   */
  call_count: number;
  /**
   * Prompt tokens of the calls.
   */
  prompt_tokens: number;
  /**
   * Completion tokens of the calls.
   */
  completion_tokens: number;
  /**
   * Prompt tokens of the calls that were read from the provider's cache.
   */
  cached_tokens: number;
  /**
   * Provider cost of the calls, pico-dollars, exact.
   */
  provider_cost: string;
  /**
   * Markup of the calls, pico-dollars, exact.
   */
  gateway_markup: string;
  /**
   * Amount of the line, pico-dollars, exact.
   */
  amount: string;
  /**
   * Amount of the line, cents; lines sum to the invoice's total.
   */
  amount_cents: number;
  /**
   * First day of the month in which the calls were made.
   */
  service_period: string;
  /**
   * SHA-256 of the compiled query that made the line.
   */
  query_sha256: string;
  /**
   * Sum of customer_cost over the calls on the line, pico-dollars, computed directly from api_request_s.
   */
  control_sum: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Header and totals of an issued invoice, with the cut-off of its usage.
 */
export interface InvoiceS {
  /**
   * Hash key of its invoice_h row.
   */
  invoice_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Legal entity that issued it.
   */
  billing_entity: string;
  /**
   * First day of the period.
   */
  billing_period: string;
  /**
   * First instant of the period.
   */
  period_start: string;
  /**
   * First instant after the period: the invoice covers usage applied before it.
   */
  period_end: string;
  /**
   * The invoice covers usage loaded up to this instant.
   */
  known_at: string;
  /**
   * Last journal sequence covered, by journal writer.
   */
  cut_off: {};
  /**
   * Instant of issue.
   */
  issued_at: string;
  /**
   * ISO 4217 code of the currency.
   */
  currency: string;
  /**
   * Provider cost of the calls covered, pico-dollars, exact.
   */
  provider_cost: string;
  /**
   * Markup of the calls covered, pico-dollars, exact.
   */
  gateway_markup: string;
  /**
   * Amount due, pico-dollars, exact.
   */
  total: string;
  /**
   * Amount due, cents: the sum of the lines.
   */
  total_cents: number;
  /**
   * Calls covered.
   */
  call_count: number;
  /**
   * Status of the invoice.
   */
  invoice_status: 'ISSUED' | 'PAID' | 'CREDITED';
  /**
   * SHA-256 of the invoice document (JSON).
   */
  document_sha256: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Result of a run of a job; one row for each attempt.
 */
export interface JobRunS {
  /**
   * Hash key of its job_run_h row.
   */
  job_run_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the job.
   */
  job_name: string;
  /**
   * Instant that the job used as the current time.
   */
  logical_instant: string;
  /**
   * Start of the attempt.
   */
  started_at: string;
  /**
   * End of the attempt.
   */
  ended_at: string;
  /**
   * Outcome of the attempt.
   */
  outcome: 'SUCCEEDED' | 'FAILED';
  /**
   * Number of the attempt, from 1.
   */
  attempt: number;
  /**
   * Rows read.
   */
  rows_in: number;
  /**
   * Rows written.
   */
  rows_out: number;
  /**
   * Extent of the input, by source; `left_undone` has the work that the run left undone, with reasons.
   */
  input_watermark: {};
  /**
   * SHA-256 of the compiled SQL; null when the job ran none.
   */
  sql_sha256: string | null;
  /**
   * Reason for the failure; null without one.
   */
  error_message: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Status of a legal hold, and its reason.
 */
export interface LegalHoldS {
  /**
   * Hash key of its legal_hold_h row.
   */
  legal_hold_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Status of the hold.
   */
  hold_status: 'ACTIVE' | 'RELEASED';
  /**
   * Reason for the hold, or for its release. Never personal data.
   */
  reason: string;
  /**
   * Actor who set or released the hold: the id of an API key, or the user of the machine.
   */
  decided_by: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A provider's price of a model. The price is valid from applied_date on; hash_diff is the price version that calls record.
 */
export interface ModelPriceS {
  /**
   * Hash key of its model_provider_l row.
   */
  model_provider_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name by which the provider knows the model.
   */
  provider_model_name: string;
  /**
   * Price of one prompt token, pico-dollars; null if that unit has no price of its own.
   */
  input_price: string | null;
  /**
   * Price of one completion token, pico-dollars; null if that unit has no price of its own.
   */
  output_price: string | null;
  /**
   * Price of one prompt token read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_input_price: string | null;
  /**
   * Price of one prompt token written to the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cache_write_price: string | null;
  /**
   * Price of one reasoning token, pico-dollars; null if that unit has no price of its own.
   */
  reasoning_price: string | null;
  /**
   * Price of one audio token in the prompt, pico-dollars; null if that unit has no price of its own.
   */
  audio_input_price: string | null;
  /**
   * Price of one audio token in the response, pico-dollars; null if that unit has no price of its own.
   */
  audio_output_price: string | null;
  /**
   * Price of one generated image, pico-dollars; null if that unit has no price of its own.
   */
  image_price: string | null;
  /**
   * Price of one request of any size, pico-dollars; null if that unit has no price of its own.
   */
  request_price: string | null;
  /**
   * Source of the price.
   */
  price_source: string;
  /**
   * True if the provider still serves the model.
   */
  is_offered: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A provider's prices of a model that depend on the prompt's length, the time of day or the service tier, or that are for more units than model_price_s has. The set completes the row of model_price_s with the same applied_date and load_date, and its tier 0 repeats that row; a row of model_price_s without a set is the only price.
 */
export interface ModelPriceTierS {
  /**
   * Hash key of its model_provider_l row.
   */
  model_provider_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Position of the row in its set, from 0: the standard price.
   */
  tier: number;
  /**
   * Service tier of the calls that the row applies to.
   */
  service_tier: 'standard' | 'batch' | 'flex' | 'priority';
  /**
   * The row applies to calls whose prompt has more tokens than this; 0 applies to all.
   */
  above_prompt_tokens: number;
  /**
   * First second of the day (UTC) at which the row applies; null if it applies all day.
   */
  daily_from_s: number | null;
  /**
   * Second of the day (UTC) before which the row applies; less than daily_from_s if midnight lies between; null if it applies all day.
   */
  daily_until_s: number | null;
  /**
   * Price of one prompt token, pico-dollars; null if that unit has no price of its own.
   */
  input_price: string | null;
  /**
   * Price of one completion token, pico-dollars; null if that unit has no price of its own.
   */
  output_price: string | null;
  /**
   * Price of one prompt token read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_input_price: string | null;
  /**
   * Price of one prompt token written to the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cache_write_price: string | null;
  /**
   * Price of one prompt token written to the provider's cache for an hour, pico-dollars; null if that unit has no price of its own.
   */
  long_cache_write_price: string | null;
  /**
   * Price of one reasoning token, pico-dollars; null if that unit has no price of its own.
   */
  reasoning_price: string | null;
  /**
   * Price of one audio token in the prompt, pico-dollars; null if that unit has no price of its own.
   */
  audio_input_price: string | null;
  /**
   * Price of one audio token in the prompt read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_audio_input_price: string | null;
  /**
   * Price of one audio token in the response, pico-dollars; null if that unit has no price of its own.
   */
  audio_output_price: string | null;
  /**
   * Price of one image token in the prompt, pico-dollars; null if that unit has no price of its own.
   */
  image_input_price: string | null;
  /**
   * Price of one image token in the prompt read from the provider's cache, pico-dollars; null if that unit has no price of its own.
   */
  cached_image_input_price: string | null;
  /**
   * Price of one image token in the response, pico-dollars; null if that unit has no price of its own.
   */
  image_output_price: string | null;
  /**
   * Price of one generated image, pico-dollars; null if that unit has no price of its own.
   */
  image_price: string | null;
  /**
   * Price of one request of any size, pico-dollars; null if that unit has no price of its own.
   */
  request_price: string | null;
  /**
   * Price of one second of transcribed audio, pico-dollars; null if that unit has no price of its own.
   */
  audio_second_price: string | null;
  /**
   * Price of one character (Unicode code point) of text to speak, pico-dollars; null if that unit has no price of its own.
   */
  character_price: string | null;
  /**
   * Price of one search of the web that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  web_search_price: string | null;
  /**
   * Price of one search of stored files that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  file_search_price: string | null;
  /**
   * Price of one search of maps that the provider ran, pico-dollars; null if that unit has no price of its own.
   */
  maps_search_price: string | null;
  /**
   * Price of one machine that the provider ran code on, pico-dollars; null if that unit has no price of its own.
   */
  code_session_price: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Presence of a model at a provider in each source, from applied_date on.
 */
export interface ModelProviderTrackingS {
  /**
   * Hash key of its model_provider_l row.
   */
  model_provider_link_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * True if the source lists it from applied_date on; false if it no longer lists it.
   */
  is_present: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Abilities of a model.
 */
export interface ModelS {
  /**
   * Hash key of its model_h row.
   */
  model_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the model for people.
   */
  model_name: string;
  /**
   * Family of models it belongs to.
   */
  model_family: string | null;
  /**
   * Abilities, for example `chat`, `streaming`, `tools`, `vision`.
   *
   * @maxItems 1000
   */
  capabilities: string[];
  /**
   * Maximum number of tokens of prompt and response together.
   */
  context_window_tokens: number | null;
  /**
   * Maximum number of tokens of a response.
   */
  max_output_tokens: number | null;
  /**
   * Quality rating, 0 to 100.
   */
  quality_score: string | null;
  /**
   * True if calls may be routed to the model.
   */
  is_active: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Performance of a provider and model in one window. A late call adds a new row for its window; the old one stays.
 */
export interface ProviderPerformanceS {
  /**
   * Hash key of its provider_performance_h row.
   */
  performance_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Start of the window.
   */
  measurement_timestamp: string;
  /**
   * Length of the window, minutes.
   */
  measurement_window_minutes: number;
  /**
   * Calls in the window.
   */
  total_requests: number;
  /**
   * Calls that the provider answered.
   */
  successful_requests: number;
  /**
   * Calls that the provider failed.
   */
  failed_requests: number;
  /**
   * Mean latency of the answered calls, milliseconds; null without answered calls.
   */
  average_latency_ms: number | null;
  /**
   * 95th percentile of latency, milliseconds; null without answered calls.
   */
  p95_latency_ms: number | null;
  /**
   * 99th percentile of latency, milliseconds; null without answered calls.
   */
  p99_latency_ms: number | null;
  /**
   * Mean time to the first token of streamed calls, milliseconds; null without answered calls.
   */
  average_time_to_first_token_ms: number | null;
  /**
   * 95th percentile of the time to the first token of streamed calls, milliseconds; null without answered calls.
   */
  p95_time_to_first_token_ms: number | null;
  /**
   * Share of the calls that failed, percent; null without calls.
   */
  error_rate_percent: string | null;
  /**
   * Share of the calls for which the provider was available, percent; null without calls.
   */
  availability_percent: string | null;
  /**
   * Prompt and completion tokens in the window.
   */
  tokens_processed: number;
  /**
   * Provider cost per token, pico-dollars; null without rated tokens.
   */
  average_cost_per_token: string | null;
  /**
   * Quality rating, 0 to 100; null without one.
   */
  quality_score: string | null;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * A generated report: its requester, parameters and instant of knowledge.
 */
export interface ReportS {
  /**
   * Hash key of its report_h row.
   */
  report_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the report.
   */
  report_name: string;
  /**
   * Parameters of the report.
   */
  parameters: {};
  /**
   * Person who requested it.
   */
  requested_by: string;
  /**
   * Format of the document.
   */
  format: 'json' | 'csv' | 'html' | 'pdf';
  /**
   * The report covers what was loaded up to this instant.
   */
  known_at: string;
  /**
   * Instant when the report was generated.
   */
  generated_at: string;
  /**
   * Rows in the report.
   */
  row_count: number;
  /**
   * SHA-256 of the document.
   */
  document_sha256: string;
  /**
   * SHA-256 of the compiled SQL of all sections.
   */
  sql_sha256: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Results and costs of the calls that a rule took in one period, compared with the other candidates. A late call adds a new row for its period; the old one stays.
 */
export interface RoutingRuleEvaluationS {
  /**
   * Hash key of its routing_rule_evaluation_h row.
   */
  routing_rule_evaluation_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Start of the period.
   */
  evaluation_timestamp: string;
  /**
   * Length of the period, minutes.
   */
  evaluation_window_minutes: number;
  /**
   * Hash diff of the rule as it was evaluated.
   */
  rule_version: string;
  /**
   * True if the rule was only tried on past calls and took no call itself.
   */
  is_draft: boolean;
  /**
   * Calls that the rule took, or would have taken.
   */
  total_requests: number;
  /**
   * Number of these calls that the provider answered.
   */
  successful_requests: number;
  /**
   * Number of these calls that failed.
   */
  failed_requests: number;
  /**
   * Average time of a call, milliseconds; null without calls.
   */
  average_latency_ms: number | null;
  /**
   * 95th percentile of the time of a call, milliseconds; null without calls.
   */
  p95_latency_ms: number | null;
  /**
   * Cost of the calls at the provider, pico-dollars.
   */
  provider_cost: string;
  /**
   * Cost of the calls for the customers, pico-dollars.
   */
  customer_cost: string;
  /**
   * For each other candidate: provider, model, cost in pico-dollars as a decimal string, latency in milliseconds, calls that could be compared.
   */
  alternatives: unknown[];
  /**
   * Provider slug of the cheapest other candidate; null without one.
   */
  best_alternative_provider: string | null;
  /**
   * Model of the cheapest other candidate; null without one.
   */
  best_alternative_model: string | null;
  /**
   * Cost of the same calls there, pico-dollars, at the prices of that time; null without an alternative.
   */
  best_alternative_cost: string | null;
  /**
   * best_alternative_cost less provider_cost, pico-dollars: negative if the rule was more expensive; null without an alternative.
   */
  savings: string | null;
  /**
   * Conclusion of the evaluation.
   */
  verdict: 'KEEP' | 'REVIEW' | 'CHANGE' | 'NO_TRAFFIC';
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Conditions and target of a routing rule. Its hash_diff is the rule version that calls record.
 */
export interface RoutingRuleS {
  /**
   * Hash key of its routing_rule_h row.
   */
  routing_rule_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the rule for people.
   */
  rule_name: string;
  /**
   * Rules are tried in ascending order.
   */
  rule_priority: number;
  /**
   * Conditions of the rule: field names with their allowed values; an empty object applies to all calls.
   */
  conditions: {};
  /**
   * Provider slug that the rule chooses; null leaves it open.
   */
  target_provider: string | null;
  /**
   * Model that the rule chooses; null leaves it open.
   */
  target_model: string | null;
  /**
   * True if the cheaper candidate goes first.
   */
  cost_optimization: boolean;
  /**
   * True if the faster candidate goes first.
   */
  latency_optimization: boolean;
  /**
   * True if the better rated candidate goes first.
   */
  quality_optimization: boolean;
  /**
   * Compliance levels that a candidate must meet; null means none.
   *
   * @maxItems 1000
   */
  compliance_requirements: string[] | null;
  /**
   * True if the rule is in use.
   */
  is_active: boolean;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/**
 * Name and billing entity of a tenant.
 */
export interface TenantS {
  /**
   * Hash key of its tenant_h row.
   */
  tenant_hk: string;
  /**
   * Instant at which the record was made, taken from the record.
   */
  load_date: string;
  /**
   * Instant from which it is true in the business.
   */
  applied_date: string;
  /**
   * Hash of the payload.
   */
  hash_diff: string;
  /**
   * Name of the organisation.
   */
  tenant_name: string;
  /**
   * Legal entity that issues the tenant's invoices; invoice numbers are gapless within it.
   */
  billing_entity: string;
  /**
   * The part of the product or the external source that states it.
   */
  record_source: string;
}

/** The rows of each hub. */
export interface HubRows {
  ai_provider_h: AiProviderH;
  api_key_h: ApiKeyH;
  api_request_h: ApiRequestH;
  audit_event_h: AuditEventH;
  customer_h: CustomerH;
  customer_provider_keys_h: CustomerProviderKeysH;
  customer_spending_h: CustomerSpendingH;
  destruction_certificate_h: DestructionCertificateH;
  erasure_h: ErasureH;
  invoice_h: InvoiceH;
  job_run_h: JobRunH;
  legal_hold_h: LegalHoldH;
  model_h: ModelH;
  provider_performance_h: ProviderPerformanceH;
  report_h: ReportH;
  routing_rule_evaluation_h: RoutingRuleEvaluationH;
  routing_rule_h: RoutingRuleH;
  tenant_h: TenantH;
}

/** The rows of each link. */
export interface LinkRows {
  api_key_customer_l: ApiKeyCustomerL;
  api_request_l: ApiRequestL;
  audit_event_customer_l: AuditEventCustomerL;
  customer_price_l: CustomerPriceL;
  customer_provider_keys_l: CustomerProviderKeysL;
  customer_spending_l: CustomerSpendingL;
  customer_tenant_l: CustomerTenantL;
  erasure_customer_l: ErasureCustomerL;
  invoice_customer_l: InvoiceCustomerL;
  legal_hold_customer_l: LegalHoldCustomerL;
  model_provider_l: ModelProviderL;
  provider_performance_l: ProviderPerformanceL;
  report_customer_l: ReportCustomerL;
  routing_rule_evaluation_l: RoutingRuleEvaluationL;
}

/** The rows of each satellite. */
export interface SatelliteRows {
  ai_provider_compliance_s: AiProviderComplianceS;
  ai_provider_s: AiProviderS;
  api_key_s: ApiKeyS;
  api_request_idempotency_s: ApiRequestIdempotencyS;
  api_request_route_s: ApiRequestRouteS;
  api_request_s: ApiRequestS;
  audit_event_s: AuditEventS;
  customer_config_s: CustomerConfigS;
  customer_pii_s: CustomerPiiS;
  customer_price_s: CustomerPriceS;
  customer_provider_key_terms_s: CustomerProviderKeyTermsS;
  customer_provider_keys_s: CustomerProviderKeysS;
  customer_replay_s: CustomerReplayS;
  customer_spending_s: CustomerSpendingS;
  customer_tenant_effectivity_s: CustomerTenantEffectivityS;
  destruction_certificate_s: DestructionCertificateS;
  destruction_leaves_s: DestructionLeavesS;
  destruction_usage_s: DestructionUsageS;
  erasure_s: ErasureS;
  invoice_line_s: InvoiceLineS;
  invoice_s: InvoiceS;
  job_run_s: JobRunS;
  legal_hold_s: LegalHoldS;
  model_price_s: ModelPriceS;
  model_price_tier_s: ModelPriceTierS;
  model_provider_tracking_s: ModelProviderTrackingS;
  model_s: ModelS;
  provider_performance_s: ProviderPerformanceS;
  report_s: ReportS;
  routing_rule_evaluation_s: RoutingRuleEvaluationS;
  routing_rule_s: RoutingRuleS;
  tenant_s: TenantS;
}

/** The name of each table's hash key column. */
export interface HashKeys {
  ai_provider_h: 'provider_hk';
  api_key_h: 'api_key_hk';
  api_request_h: 'api_request_hk';
  audit_event_h: 'audit_event_hk';
  customer_h: 'customer_hk';
  customer_provider_keys_h: 'customer_provider_key_hk';
  customer_spending_h: 'spending_hk';
  destruction_certificate_h: 'destruction_certificate_hk';
  erasure_h: 'erasure_hk';
  invoice_h: 'invoice_hk';
  job_run_h: 'job_run_hk';
  legal_hold_h: 'legal_hold_hk';
  model_h: 'model_hk';
  provider_performance_h: 'performance_hk';
  report_h: 'report_hk';
  routing_rule_evaluation_h: 'routing_rule_evaluation_hk';
  routing_rule_h: 'routing_rule_hk';
  tenant_h: 'tenant_hk';
  api_key_customer_l: 'api_key_customer_link_hk';
  api_request_l: 'api_request_link_hk';
  audit_event_customer_l: 'audit_event_customer_link_hk';
  customer_price_l: 'customer_price_link_hk';
  customer_provider_keys_l: 'customer_provider_key_link_hk';
  customer_spending_l: 'customer_spending_link_hk';
  customer_tenant_l: 'customer_tenant_link_hk';
  erasure_customer_l: 'erasure_customer_link_hk';
  invoice_customer_l: 'invoice_customer_link_hk';
  legal_hold_customer_l: 'legal_hold_customer_link_hk';
  model_provider_l: 'model_provider_link_hk';
  provider_performance_l: 'provider_performance_link_hk';
  report_customer_l: 'report_customer_link_hk';
  routing_rule_evaluation_l: 'routing_rule_evaluation_link_hk';
  ai_provider_compliance_s: 'provider_hk';
  ai_provider_s: 'provider_hk';
  api_key_s: 'api_key_hk';
  api_request_idempotency_s: 'api_request_hk';
  api_request_route_s: 'api_request_hk';
  api_request_s: 'api_request_hk';
  audit_event_s: 'audit_event_hk';
  customer_config_s: 'customer_hk';
  customer_pii_s: 'customer_hk';
  customer_price_s: 'customer_price_link_hk';
  customer_provider_key_terms_s: 'customer_provider_key_hk';
  customer_provider_keys_s: 'customer_provider_key_hk';
  customer_replay_s: 'customer_hk';
  customer_spending_s: 'spending_hk';
  customer_tenant_effectivity_s: 'customer_tenant_link_hk';
  destruction_certificate_s: 'destruction_certificate_hk';
  destruction_leaves_s: 'destruction_certificate_hk';
  destruction_usage_s: 'destruction_certificate_hk';
  erasure_s: 'erasure_hk';
  invoice_line_s: 'invoice_hk';
  invoice_s: 'invoice_hk';
  job_run_s: 'job_run_hk';
  legal_hold_s: 'legal_hold_hk';
  model_price_s: 'model_provider_link_hk';
  model_price_tier_s: 'model_provider_link_hk';
  model_provider_tracking_s: 'model_provider_link_hk';
  model_s: 'model_hk';
  provider_performance_s: 'performance_hk';
  report_s: 'report_hk';
  routing_rule_evaluation_s: 'routing_rule_evaluation_hk';
  routing_rule_s: 'routing_rule_hk';
  tenant_s: 'tenant_hk';
}
