import { hash, timingSafeEqual } from 'node:crypto';
import type { Pico } from '../core/money.ts';
import type { SealContext } from '../keys/contract.ts';
import type { AgreedPrice, Price } from '../pricing/price.ts';
import { tiersAt } from '../pricing/prices.ts';

/**
 * The gateway's configuration: plain values in memory, built from the vault's current state. The gateway never runs
 * SQL; it uses the newest snapshot at the start of a call.
 */
export interface Snapshot {
  readonly built_at: string;
  readonly customers: ReadonlyMap<string, Customer>;
  /** By SHA-256 of the key, lower-case hex. */
  readonly api_keys: ReadonlyMap<string, ApiKey>;
  readonly providers: ReadonlyMap<string, Provider>;
  /** By the model's business key. */
  readonly models: ReadonlyMap<string, Model>;
  /** By `agreedKey`, by the start of each, oldest first. */
  readonly agreed_prices: ReadonlyMap<string, readonly AgreedPrice[]>;
  /** By customer: its own active provider keys, the newest first. */
  readonly provider_keys: ReadonlyMap<string, readonly ProviderKey[]>;
  /** Active rules, the lowest priority number first. */
  readonly routing_rules: readonly RoutingRule[];
  /** Active rules that are omitted, because their conditions cannot be decided. */
  readonly unusable_rules: readonly UnusableRule[];
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
  /** Seconds for which responses are repeated to a repeated Idempotency-Key; null: never. */
  readonly replay_window_s: number | null;
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

/** A customer's own key at a provider, sealed. */
export interface ProviderKey {
  readonly provider_key: string;
  readonly customer: string;
  readonly provider: string;
  /** The hash diff of the satellite row: a rotated key has another. */
  readonly key_version: string;
  /** Lower-case hex; `sealContextOf` gives its context. */
  readonly api_key_encrypted: string;
  /** Null: the provider's own. */
  readonly base_url: string | null;
  /** Models of the catalog that it pays for; null: all. */
  readonly allowed_models: readonly string[] | null;
  readonly own_models: readonly CustomModel[];
  readonly daily_spending_limit: Pico | null;
  readonly monthly_spending_limit: Pico | null;
  /** Payer of calls that the key cannot pay. */
  readonly fallback: 'none' | 'platform';
}

/** A customer's custom model, which only its own key can reach. */
export interface CustomModel {
  /** The name in clients' requests. */
  readonly model: string;
  /** The provider's name of the model. */
  readonly served_as: string;
  /** The base model of the catalog, with its abilities and prices. */
  readonly like: string;
}

export interface Provider {
  readonly provider: string;
  readonly protocol: 'openai' | 'anthropic' | 'google';
  readonly api_endpoint: string;
  readonly is_active: boolean;
}

export interface Model {
  readonly model: string;
  readonly capabilities: readonly string[];
  readonly context_window_tokens: number | null;
  readonly max_output_tokens: number | null;
  readonly deployments: readonly Deployment[];
}

/** A model at a provider. */
export interface Deployment {
  readonly model: string;
  readonly provider: string;
  /** By the start of each, oldest first; the last one in force now is the price. */
  readonly prices: readonly Price[];
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

export interface UnusableRule {
  readonly routing_rule: string;
  readonly rule_version: string;
  readonly fault: string;
}

/** By name of a call's field (`request_type`, `customer`, `priority`): its allowed values. All must match. */
export type RuleConditions = Readonly<Record<string, readonly string[]>>;

/** Seal context of a customer's provider key: it opens only in its own row and for its own customer. */
export const sealContextOf = ({
  customer,
  provider_key,
}: Pick<ProviderKey, 'customer' | 'provider_key'>): SealContext => ({
  table: 'gateway.customer_provider_keys_s',
  tenant: customer,
  row: provider_key,
  column: 'api_key_encrypted',
});

/** True if a provider no longer serves a model at an instant. */
export const isWithdrawn = ({ prices }: Deployment, now_ms: number): boolean =>
  prices.findLast(({ holds_from_ms }) => holds_from_ms <= now_ms)?.is_offered === false;

/** The provider's price at an instant; null without one, and if the provider does not serve the model then. */
export const priceAt = (deployment: Deployment, now_ms: number): Price | null => {
  const price = deployment.prices.findLast((candidate) => candidate.holds_from_ms <= now_ms);
  if (price?.is_offered !== true) return null;
  const tiers = tiersAt(price.tiers, now_ms);
  return tiers === price.tiers ? price : { ...price, tiers };
};

/** The price with the customer's agreed price, if there is one. */
export const agreedPriceAt = (
  { agreed_prices }: Snapshot,
  customer: string,
  deployment: Deployment,
  price: Price,
  now_ms: number,
): Price => {
  const prices = agreed_prices.get(agreedKey({ customer, ...deployment }));
  const agreed = prices?.findLast((candidate) => candidate.holds_from_ms <= now_ms);
  if (agreed?.is_agreed !== true) return price;
  return { ...price, agreed: { ...agreed, tiers: tiersAt(agreed.tiers, now_ms) } };
};

/** No name contains a control character. */
export const agreedKey = (of: {
  readonly customer: string;
  readonly model: string;
  readonly provider: string;
}): string => `${of.customer}\n${of.model}\n${of.provider}`;

/** The API key of a secret, in any state; null for an unknown secret. */
export const findApiKey = ({ api_keys }: Snapshot, secret: string): ApiKey | null => {
  const key_sha256 = hash('sha256', secret);
  const api_key = api_keys.get(key_sha256);
  if (api_key === undefined) return null;
  return timingSafeEqual(Buffer.from(api_key.key_sha256), Buffer.from(key_sha256)) ? api_key : null;
};
