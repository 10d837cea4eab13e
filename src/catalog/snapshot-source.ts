import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import type { AgreedPrice, Price } from '../pricing/price.ts';
import { PRICE_UNITS, type PriceTier, type UnitPrices } from '../pricing/prices.ts';
import { sortRules } from './rule-conditions.ts';
import {
  type ApiKey,
  agreedKey,
  type Customer,
  type Deployment,
  type Model,
  type Provider,
  type ProviderKey,
  type Snapshot,
} from './snapshot.ts';
import {
  type AgreedPriceRow,
  type PriceRow,
  type ProviderKeyRow,
  selectAgreedPrices,
  selectApiKeys,
  selectCustomers,
  selectDeployments,
  selectModels,
  selectPrices,
  selectProviderKeys,
  selectProviders,
  selectRoutingRules,
  type TierRow,
} from './snapshot-queries.ts';

/** Builds the snapshot from the vault's current state, all of it as of one moment. */
export const buildSnapshot = async (sql: Sql, clock: Clock): Promise<Snapshot> => {
  const built_at = instantOf(clock.now());
  const [customers, api_keys, providers, models, deployments, prices, rules, provider_keys, agreed_prices] =
    await sql.begin('isolation level repeatable read read only', (tx) =>
      Promise.all([
        selectCustomers(tx),
        selectApiKeys(tx),
        selectProviders(tx),
        selectModels(tx),
        selectDeployments(tx),
        selectPrices(tx),
        selectRoutingRules(tx),
        selectProviderKeys(tx),
        selectAgreedPrices(tx),
      ]),
    );
  const prices_by_offer = Map.groupBy(prices, (price) => price.offer_hk);
  const offers_by_model = Map.groupBy(
    deployments.map(
      ({ offer_hk, model, provider }): Deployment => ({
        model,
        provider,
        prices: (prices_by_offer.get(offer_hk) ?? []).map(priceOf),
      }),
    ),
    (deployment) => deployment.model,
  );
  return {
    built_at,
    customers: new Map(customers.map((row): [string, Customer] => [row.customer, { ...row, ...budgetsOf(row) }])),
    api_keys: new Map(
      api_keys.map((row): [string, ApiKey] => [
        row.key_sha256,
        { ...row, expires_at_ms: row.expires_at === null ? null : Date.parse(row.expires_at) },
      ]),
    ),
    providers: new Map(providers.map((row): [string, Provider] => [row.provider, row])),
    models: new Map(
      models.map((row): [string, Model] => [row.model, { ...row, deployments: offers_by_model.get(row.model) ?? [] }]),
    ),
    agreed_prices: new Map(
      [...Map.groupBy(agreed_prices, agreedKey)].map(([key, rows]) => [key, rows.map(agreedPriceOf)]),
    ),
    provider_keys: Map.groupBy(provider_keys.map(providerKeyOf), ({ customer }) => customer),
    ...sortRules(rules),
  };
};

const budgetsOf = (row: { cost_budget_monthly: string | null; cost_budget_daily: string | null }) => ({
  cost_budget_monthly: picoOf(row.cost_budget_monthly),
  cost_budget_daily: picoOf(row.cost_budget_daily),
});

const providerKeyOf = (row: ProviderKeyRow): ProviderKey => ({
  ...row,
  daily_spending_limit: picoOf(row.daily_spending_limit),
  monthly_spending_limit: picoOf(row.monthly_spending_limit),
});

/** A provider's price from its row and its set of tiers. */
export const priceOf = (row: PriceRow): Price => ({
  holds_from_ms: Date.parse(row.applied_date),
  is_offered: row.is_offered,
  provider_model_name: row.provider_model_name,
  price_version: row.price_version,
  tier_version: row.tier_version,
  tiers: (row.tiers ?? [{ ...ONLY_TIER, ...row }]).map(tierOf),
  agreed: null,
});

/** What a row of model_price_s leaves open. */
const ONLY_TIER = {
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  long_cache_write_price: null,
  cached_audio_input_price: null,
  image_input_price: null,
  cached_image_input_price: null,
  image_output_price: null,
  web_search_price: null,
  file_search_price: null,
  maps_search_price: null,
  code_session_price: null,
} as const;

/** A customer's price from its set of tiers. */
export const agreedPriceOf = (row: AgreedPriceRow): AgreedPrice => ({
  holds_from_ms: Date.parse(row.applied_date),
  is_agreed: row.is_agreed,
  agreed_version: row.agreed_version,
  tiers: row.tiers.map(tierOf),
});

const tierOf = (row: TierRow): PriceTier => ({
  tier: row.tier,
  service_tier: row.service_tier,
  above_prompt_tokens: row.above_prompt_tokens,
  daily_from_s: row.daily_from_s,
  daily_until_s: row.daily_until_s,
  prices: Object.fromEntries(PRICE_UNITS.map((unit) => [`${unit}_price`, picoOf(row[`${unit}_price`])])) as UnitPrices,
});

const picoOf = (decimal: string | null): bigint | null => (decimal === null ? null : BigInt(decimal));
