import { hash, timingSafeEqual } from 'node:crypto';
import type { Pico } from '../core/money.ts';

/**
 * What the gateway knows of the world: plain values in memory, built from the vault's current state. The gateway
 * never runs SQL; it asks for the newest snapshot once a call.
 */
export interface Snapshot {
  readonly built_at: string;
  readonly customers: ReadonlyMap<string, Customer>;
  /** By SHA-256 of the key, lower-case hex. */
  readonly api_keys: ReadonlyMap<string, ApiKey>;
  readonly providers: ReadonlyMap<string, Provider>;
  /** By the model's business key. */
  readonly models: ReadonlyMap<string, Model>;
  /** Active rules, the lowest priority number first. */
  readonly routing_rules: readonly RoutingRule[];
}

/** Gives the newest snapshot. */
export type CurrentSnapshot = () => Snapshot;

export interface Customer {
  readonly customer: string;
  readonly is_active: boolean;
  readonly cost_budget_monthly: Pico | null;
  readonly cost_budget_daily: Pico | null;
  readonly rate_limit_requests_per_minute: number | null;
  readonly preferred_providers: readonly string[] | null;
  readonly priority_tier: string;
  readonly markup_basis_points: number;
  readonly unpriced_policy: 'allow' | 'refuse';
}

export interface ApiKey {
  readonly api_key: string;
  readonly key_sha256: string;
  /** Null for an administrator's key. */
  readonly customer: string | null;
  readonly scopes: readonly string[];
  readonly allowed_ips: readonly string[] | null;
  readonly expires_at_ms: number | null;
  readonly is_revoked: boolean;
  readonly rate_limit_requests_per_minute: number | null;
}

export interface Provider {
  readonly provider: string;
  readonly protocol: 'openai' | 'anthropic';
  readonly api_endpoint: string;
  readonly is_active: boolean;
}

export interface Model {
  readonly model: string;
  readonly capabilities: readonly string[];
  readonly context_window_tokens: number | null;
  readonly max_output_tokens: number | null;
  readonly offers: readonly Offer[];
}

/** A model at a provider. */
export interface Offer {
  readonly model: string;
  readonly provider: string;
  /** By the instant that each holds from, oldest first; the last one that holds now is the price. */
  readonly prices: readonly Price[];
}

/** Pico-dollars a token; null where that kind of token has no price of its own. */
export interface Price {
  readonly holds_from_ms: number;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  /** The hash diff of the satellite row: which price rated a call. */
  readonly price_version: string;
  readonly input_price: Pico | null;
  readonly output_price: Pico | null;
  readonly cached_input_price: Pico | null;
  readonly cache_write_price: Pico | null;
  readonly reasoning_price: Pico | null;
  readonly request_price: Pico | null;
}

export interface RoutingRule {
  readonly routing_rule: string;
  /** The hash diff of the satellite row. */
  readonly rule_version: string;
  readonly rule_name: string;
  readonly rule_priority: number;
  readonly conditions: RuleConditions;
  readonly target_provider: string | null;
  readonly target_model: string | null;
}

/** By name of a call's field (`request_type`, `customer`, `priority`): the values that it may have. All must hold. */
export type RuleConditions = Readonly<Record<string, readonly string[]>>;

/** The price of an offer at an instant, or null where none holds or the model is not offered then. */
export const priceAt = (offer: Offer, now_ms: number): Price | null => {
  const price = offer.prices.findLast((candidate) => candidate.holds_from_ms <= now_ms);
  return price?.is_offered === true ? price : null;
};

/** The API key whose secret this is, whatever its state, or null where there is none. */
export const findApiKey = ({ api_keys }: Snapshot, secret: string): ApiKey | null => {
  const key_sha256 = hash('sha256', secret);
  const api_key = api_keys.get(key_sha256);
  if (api_key === undefined) return null;
  return timingSafeEqual(Buffer.from(api_key.key_sha256), Buffer.from(key_sha256)) ? api_key : null;
};
