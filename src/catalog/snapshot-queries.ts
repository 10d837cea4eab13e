import { BASE_UNITS, type BaseUnit, PRICE_UNITS, type PriceColumn, priceColumn } from '../pricing/price-units.ts';
import type { PriceTier } from '../pricing/prices.ts';
import { arrayLiteral } from '../vault/literal.ts';
import type { Transaction } from '../vault/transaction.ts';
import type { CustomModel, ProviderKey, RoutingRule } from './snapshot.ts';

/** Hash keys (hex) to read; null reads everything. */
export type Keys = readonly string[] | null;

const among = (tx: Transaction, column: string, keys: Keys) =>
  keys === null
    ? tx`true`
    : tx`${tx(column)} = any(${arrayLiteral(
        { name: 'key', type: 'bytes' },
        keys.map((key) => ({ key })),
      )}::text::bytea[])`;

export const selectCustomers = (tx: Transaction, keys: Keys = null) => tx<
  {
    row_key: string;
    customer: string;
    is_active: boolean;
    cost_budget_monthly: string | null;
    cost_budget_daily: string | null;
    rate_limit_requests_per_minute: number | null;
    preferred_providers: string[] | null;
    priority_tier: string;
    markup_basis_points: number;
    unpriced_policy: 'allow' | 'refuse';
    replay_window_s: number | null;
  }[]
>`
  select
    s.customer_hk as row_key,
    h.customer_bk as customer,
    s.customer_status = 'ACTIVE' as is_active,
    s.cost_budget_monthly,
    s.cost_budget_daily,
    s.rate_limit_requests_per_minute,
    s.preferred_providers,
    s.priority_tier,
    s.markup_basis_points,
    s.unpriced_policy,
    r.replay_window_s
  from gateway.customer_config_s_current s
  join gateway.customer_h h on h.customer_hk = s.customer_hk
  left join gateway.customer_replay_s_current r on r.customer_hk = s.customer_hk
  where h.customer_bk <> 'unknown'
    and ${among(tx, 's.customer_hk', keys)}`;

export const selectApiKeys = (tx: Transaction, keys: Keys = null) => tx<
  {
    row_key: string;
    api_key: string;
    key_sha256: string;
    customer: string | null;
    scopes: string[];
    allowed_ips: string[] | null;
    expires_at: string | null;
    is_revoked: boolean;
    rate_limit_requests_per_minute: number | null;
  }[]
>`
  select
    s.api_key_hk as row_key,
    h.api_key_bk as api_key,
    s.key_sha256,
    c.customer_bk as customer,
    s.scopes,
    s.allowed_ips,
    s.expires_at,
    s.key_status = 'REVOKED' as is_revoked,
    s.rate_limit_requests_per_minute
  from auth.api_key_s_current s
  join auth.api_key_h h on h.api_key_hk = s.api_key_hk
  left join auth.api_key_customer_l l on l.api_key_hk = s.api_key_hk
  left join gateway.customer_h c on c.customer_hk = l.customer_hk
  where h.api_key_bk <> 'unknown'
    and ${among(tx, 's.api_key_hk', keys)}`;

export interface ProviderKeyRow extends Omit<ProviderKey, 'daily_spending_limit' | 'monthly_spending_limit'> {
  readonly row_key: string;
  readonly daily_spending_limit: string | null;
  readonly monthly_spending_limit: string | null;
  readonly own_models: CustomModel[];
}

export const selectProviderKeys = (tx: Transaction, keys: Keys = null) => tx<ProviderKeyRow[]>`
  select
    s.customer_provider_key_hk as row_key,
    h.customer_provider_key_bk as provider_key,
    c.customer_bk as customer,
    p.provider_bk as provider,
    s.hash_diff as key_version,
    s.api_key_encrypted,
    t.base_url,
    s.allowed_models,
    t.own_models,
    s.daily_spending_limit,
    s.monthly_spending_limit,
    t.fallback
  from gateway.customer_provider_keys_s_current s
  join gateway.customer_provider_key_terms_s_current t on t.customer_provider_key_hk = s.customer_provider_key_hk
  join gateway.customer_provider_keys_h h on h.customer_provider_key_hk = s.customer_provider_key_hk
  join gateway.customer_provider_keys_l l on l.customer_provider_key_hk = s.customer_provider_key_hk
  join gateway.customer_h c on c.customer_hk = l.customer_hk
  join gateway.ai_provider_h p on p.provider_hk = l.provider_hk
  where s.key_status = 'ACTIVE'
    and h.customer_provider_key_bk <> 'unknown'
    and ${among(tx, 's.customer_provider_key_hk', keys)}`;

export const selectProviders = (tx: Transaction, keys: Keys = null) => tx<
  {
    row_key: string;
    provider: string;
    protocol: 'openai' | 'anthropic' | 'google';
    api_endpoint: string;
    is_active: boolean;
  }[]
>`
  select s.provider_hk as row_key, h.provider_bk as provider, s.protocol, s.api_endpoint, s.is_active
  from gateway.ai_provider_s_current s
  join gateway.ai_provider_h h on h.provider_hk = s.provider_hk
  where h.provider_bk <> 'unknown'
    and ${among(tx, 's.provider_hk', keys)}`;

export const selectModels = (tx: Transaction, keys: Keys = null) => tx<
  {
    row_key: string;
    model: string;
    capabilities: string[];
    context_window_tokens: number | null;
    max_output_tokens: number | null;
  }[]
>`
  select
    s.model_hk as row_key,
    h.model_bk as model,
    s.capabilities,
    s.context_window_tokens,
    s.max_output_tokens
  from gateway.model_s_current s
  join gateway.model_h h on h.model_hk = s.model_hk
  where s.is_active
    and h.model_bk <> 'unknown'
    and ${among(tx, 's.model_hk', keys)}`;

export const selectDeployments = (tx: Transaction, keys: Keys = null) => tx<
  { deployment_hk: string; model: string; provider: string }[]
>`
  select l.model_provider_link_hk as deployment_hk, m.model_bk as model, p.provider_bk as provider
  from gateway.model_provider_l l
  join gateway.model_h m using (model_hk)
  join gateway.ai_provider_h p using (provider_hk)
  where ${among(tx, 'l.model_provider_link_hk', keys)}
  order by m.model_bk, p.provider_bk`;

export interface PriceRow extends Readonly<Record<PriceColumn<BaseUnit>, string | null>> {
  readonly deployment_hk: string;
  readonly applied_date: string;
  readonly price_version: string;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  readonly price_source: string;
  readonly tier_version: string | null;
  /** The set of tiers loaded with the row; null without one. */
  readonly tiers: readonly TierRow[] | null;
}

/** Numbers in the form of the database's JSON. */
export type TierRow = Omit<PriceTier, 'prices'> & Readonly<Record<PriceColumn, string | null>>;

// Prices are text, because a JSON number does not keep them exact.
const tierJson = (tx: Transaction) => tx`
  jsonb_build_object(
    'tier', t.tier,
    'service_tier', t.service_tier,
    'above_prompt_tokens', t.above_prompt_tokens,
    'daily_from_s', t.daily_from_s,
    'daily_until_s', t.daily_until_s,
    ${tx.unsafe(
      PRICE_UNITS.map(priceColumn)
        .map((column) => `'${column}', t.${column}::text`)
        .join(', '),
    )})`;

/**
 * Every past, present and future price of deployments; for each instant the last loaded one. Prices may begin in the
 * future.
 */
export const selectPrices = (tx: Transaction, keys: Keys = null) => tx<PriceRow[]>`
  with price as (
    select distinct on (s.model_provider_link_hk, s.applied_date) s.*
    from gateway.model_price_s s
    join gateway.model_provider_l l using (model_provider_link_hk)
    where ${among(tx, 's.model_provider_link_hk', keys)}
    order by s.model_provider_link_hk, s.applied_date, s.load_date desc, s.hash_diff desc
  ), tier_set as (
    select distinct on (model_provider_link_hk, applied_date, load_date)
      model_provider_link_hk,
      applied_date,
      load_date,
      hash_diff as tier_version,
      jsonb_agg(${tierJson(tx)} order by t.tier) as tiers
    from gateway.model_price_tier_s t
    where ${among(tx, 't.model_provider_link_hk', keys)}
    group by model_provider_link_hk, applied_date, load_date, hash_diff
    order by model_provider_link_hk, applied_date, load_date, hash_diff desc
  )
  select
    s.model_provider_link_hk as deployment_hk,
    s.applied_date,
    s.hash_diff as price_version,
    s.is_offered,
    s.provider_model_name,
    s.price_source,
    ${tx.unsafe(BASE_UNITS.map((unit) => `s.${priceColumn(unit)}`).join(', '))},
    t.tier_version,
    t.tiers
  from price s
  left join tier_set t using (model_provider_link_hk, applied_date, load_date)
  order by s.model_provider_link_hk, s.applied_date`;

export interface AgreedPriceRow {
  readonly row_key: string;
  readonly customer: string;
  readonly model: string;
  readonly provider: string;
  readonly applied_date: string;
  readonly agreed_version: string;
  readonly is_agreed: boolean;
  readonly agreement: string | null;
  readonly tiers: readonly TierRow[];
}

/** Every agreed price of customers, in the form of `selectPrices`. */
export const selectAgreedPrices = (tx: Transaction, keys: Keys = null) => tx<AgreedPriceRow[]>`
  with price as (
    select distinct on (customer_price_link_hk, applied_date)
      customer_price_link_hk,
      applied_date,
      hash_diff as agreed_version,
      bool_and(t.is_agreed) as is_agreed,
      min(t.agreement) as agreement,
      jsonb_agg(${tierJson(tx)} order by t.tier) as tiers
    from gateway.customer_price_s t
    where ${among(tx, 't.customer_price_link_hk', keys)}
    group by customer_price_link_hk, applied_date, load_date, hash_diff
    order by customer_price_link_hk, applied_date, load_date desc, hash_diff desc
  )
  select
    price.customer_price_link_hk as row_key,
    c.customer_bk as customer,
    m.model_bk as model,
    p.provider_bk as provider,
    price.applied_date,
    price.agreed_version,
    price.is_agreed,
    price.agreement,
    price.tiers
  from price
  join gateway.customer_price_l l using (customer_price_link_hk)
  join gateway.customer_h c using (customer_hk)
  join gateway.model_h m using (model_hk)
  join gateway.ai_provider_h p using (provider_hk)
  order by c.customer_bk, m.model_bk, p.provider_bk, price.applied_date`;

export const selectRoutingRules = (tx: Transaction, keys: Keys = null) => tx<({ row_key: string } & RoutingRule)[]>`
  select
    s.routing_rule_hk as row_key,
    h.routing_rule_bk as routing_rule,
    s.hash_diff as rule_version,
    s.rule_name,
    s.rule_priority,
    s.conditions,
    s.target_provider,
    s.target_model
  from gateway.routing_rule_s_current s
  join gateway.routing_rule_h h on h.routing_rule_hk = s.routing_rule_hk
  where s.is_active
    and h.routing_rule_bk <> 'unknown'
    and ${among(tx, 's.routing_rule_hk', keys)}`;
