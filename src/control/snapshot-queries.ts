import type { Transaction } from '../vault/transaction.ts';
import type { RoutingRule } from './snapshot.ts';

export const selectCustomers = (tx: Transaction) => tx<
  {
    customer: string;
    is_active: boolean;
    cost_budget_monthly: string | null;
    cost_budget_daily: string | null;
    rate_limit_requests_per_minute: number | null;
    preferred_providers: string[] | null;
    priority_tier: string;
    markup_basis_points: number;
    unpriced_policy: 'allow' | 'refuse';
  }[]
>`
  select
    h.customer_bk as customer,
    s.customer_status = 'ACTIVE' as is_active,
    s.cost_budget_monthly,
    s.cost_budget_daily,
    s.rate_limit_requests_per_minute,
    s.preferred_providers,
    s.priority_tier,
    s.markup_basis_points,
    s.unpriced_policy
  from gateway.customer_config_s_current s
  join gateway.customer_h h using (customer_hk)
  where h.customer_bk <> 'unknown'`;

export const selectApiKeys = (tx: Transaction) => tx<
  {
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
    h.api_key_bk as api_key,
    s.key_sha256,
    c.customer_bk as customer,
    s.scopes,
    s.allowed_ips,
    s.expires_at,
    s.key_status = 'REVOKED' as is_revoked,
    s.rate_limit_requests_per_minute
  from auth.api_key_s_current s
  join auth.api_key_h h using (api_key_hk)
  left join auth.api_key_customer_l l using (api_key_hk)
  left join gateway.customer_h c using (customer_hk)
  where h.api_key_bk <> 'unknown'`;

export const selectProviders = (tx: Transaction) => tx<
  { provider: string; protocol: 'openai' | 'anthropic'; api_endpoint: string; is_active: boolean }[]
>`
  select h.provider_bk as provider, s.protocol, s.api_endpoint, s.is_active
  from gateway.ai_provider_s_current s
  join gateway.ai_provider_h h using (provider_hk)
  where h.provider_bk <> 'unknown'`;

export const selectModels = (tx: Transaction) => tx<
  {
    model: string;
    capabilities: string[];
    context_window_tokens: number | null;
    max_output_tokens: number | null;
  }[]
>`
  select h.model_bk as model, s.capabilities, s.context_window_tokens, s.max_output_tokens
  from gateway.model_s_current s
  join gateway.model_h h using (model_hk)
  where s.is_active
    and h.model_bk <> 'unknown'
  order by h.model_bk`;

export const selectOffers = (tx: Transaction) => tx<{ offer_hk: string; model: string; provider: string }[]>`
  select l.model_provider_link_hk as offer_hk, m.model_bk as model, p.provider_bk as provider
  from gateway.model_provider_l l
  join gateway.model_h m using (model_hk)
  join gateway.ai_provider_h p using (provider_hk)
  order by m.model_bk, p.provider_bk`;

export interface PriceRow {
  readonly offer_hk: string;
  readonly applied_date: string;
  readonly price_version: string;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  readonly input_price: string | null;
  readonly output_price: string | null;
  readonly cached_input_price: string | null;
  readonly cache_write_price: string | null;
  readonly reasoning_price: string | null;
  readonly request_price: string | null;
}

/** Every price that was ever said to hold, and for each instant the last word on it: prices may begin in the future. */
export const selectPrices = (tx: Transaction) => tx<PriceRow[]>`
  select distinct on (s.model_provider_link_hk, s.applied_date)
    s.model_provider_link_hk as offer_hk,
    s.applied_date,
    s.hash_diff as price_version,
    s.is_offered,
    s.provider_model_name,
    s.input_price,
    s.output_price,
    s.cached_input_price,
    s.cache_write_price,
    s.reasoning_price,
    s.request_price
  from gateway.model_price_s s
  join gateway.model_provider_l l using (model_provider_link_hk)
  order by s.model_provider_link_hk, s.applied_date, s.load_date desc, s.hash_diff desc`;

export const selectRoutingRules = (tx: Transaction) => tx<RoutingRule[]>`
  select
    h.routing_rule_bk as routing_rule,
    s.hash_diff as rule_version,
    s.rule_name,
    s.rule_priority,
    s.conditions,
    s.target_provider,
    s.target_model
  from gateway.routing_rule_s_current s
  join gateway.routing_rule_h h using (routing_rule_hk)
  where s.is_active
    and h.routing_rule_bk <> 'unknown'
  order by s.rule_priority, h.routing_rule_bk`;
