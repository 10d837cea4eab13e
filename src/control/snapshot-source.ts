import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../core/postgres.ts';
import type { ApiKey, Customer, Model, Offer, Price, Provider, RoutingRule, Snapshot } from './snapshot.ts';
import {
  type PriceRow,
  selectApiKeys,
  selectCustomers,
  selectModels,
  selectOffers,
  selectPrices,
  selectProviders,
  selectRoutingRules,
} from './snapshot-queries.ts';

/** Builds the snapshot from the vault's current state, all of it as of one moment. */
export const buildSnapshot = async (sql: Sql, clock: Clock): Promise<Snapshot> => {
  const built_at = instantOf(clock.now());
  const [customers, api_keys, providers, models, offers, prices, rules] = await sql.begin(
    'isolation level repeatable read read only',
    (tx) =>
      Promise.all([
        selectCustomers(tx),
        selectApiKeys(tx),
        selectProviders(tx),
        selectModels(tx),
        selectOffers(tx),
        selectPrices(tx),
        selectRoutingRules(tx),
      ]),
  );
  const prices_by_offer = Map.groupBy(prices, (price) => price.offer_hk);
  const offers_by_model = Map.groupBy(
    offers.map(
      ({ offer_hk, model, provider }): Offer => ({
        model,
        provider,
        prices: (prices_by_offer.get(offer_hk) ?? []).map(priceOf),
      }),
    ),
    (offer) => offer.model,
  );
  return {
    built_at,
    customers: new Map(
      customers.map((row): [string, Customer] => [row.customer, { ...row, ...budgetsOf(row) }]),
    ),
    api_keys: new Map(
      api_keys.map((row): [string, ApiKey] => [
        row.key_sha256,
        { ...row, expires_at_ms: row.expires_at === null ? null : Date.parse(row.expires_at) },
      ]),
    ),
    providers: new Map(providers.map((row): [string, Provider] => [row.provider, row])),
    models: new Map(
      models.map((row): [string, Model] => [
        row.model,
        { ...row, offers: offers_by_model.get(row.model) ?? [] },
      ]),
    ),
    routing_rules: rules satisfies readonly RoutingRule[],
  };
};

const budgetsOf = (row: { cost_budget_monthly: string | null; cost_budget_daily: string | null }) => ({
  cost_budget_monthly: picoOf(row.cost_budget_monthly),
  cost_budget_daily: picoOf(row.cost_budget_daily),
});

const priceOf = (row: PriceRow): Price => ({
  holds_from_ms: Date.parse(row.applied_date),
  is_offered: row.is_offered,
  provider_model_name: row.provider_model_name,
  price_version: row.price_version,
  input_price: picoOf(row.input_price),
  output_price: picoOf(row.output_price),
  cached_input_price: picoOf(row.cached_input_price),
  cache_write_price: picoOf(row.cache_write_price),
  reasoning_price: picoOf(row.reasoning_price),
  request_price: picoOf(row.request_price),
});

const picoOf = (decimal: string | null): bigint | null => (decimal === null ? null : BigInt(decimal));
