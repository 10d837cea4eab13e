import type { AgreedPrice, Price } from '../pricing/price.ts';
import type { Transaction } from '../vault/transaction.ts';
import { agreedPriceOf, picoOf, priceOf } from './read-price.ts';
import { type ApiKey, agreedKey, type Customer, type Model, type Provider, type ProviderKey } from './snapshot.ts';
import {
  type Keys,
  selectAgreedPrices,
  selectApiKeys,
  selectCustomers,
  selectDeployments,
  selectModels,
  selectPrices,
  selectProviderKeys,
  selectProviders,
  selectRoutingRules,
} from './snapshot-queries.ts';

/** A part of the snapshot: the values of one query, each found by a hash key. */
interface PartSource<T> {
  /** The column of that key. */
  readonly key: string;
  /** The tables with the column, whose rows the query reads by it. */
  readonly tables: readonly string[];
  /** The link that leads from rows of other hubs, which the query reads too, to keys. */
  readonly link?: string;
  /** Reads values with their keys (hex), in order for each key. */
  readonly read: (tx: Transaction, keys: Keys) => Promise<readonly (readonly [string, T])[]>;
}

const part = <T>(source: PartSource<T>): PartSource<T> => source;

/** The parts of the snapshot, with the tables that each is read from. */
export const PARTS = {
  customers: part<Customer>({
    key: 'customer_hk',
    tables: ['customer_h', 'customer_config_s', 'customer_replay_s'],
    read: async (tx, keys) =>
      (await selectCustomers(tx, keys)).map(({ row_key, ...row }) => [
        row_key,
        {
          ...row,
          cost_budget_monthly: picoOf(row.cost_budget_monthly),
          cost_budget_daily: picoOf(row.cost_budget_daily),
        },
      ]),
  }),
  api_keys: part<ApiKey>({
    key: 'api_key_hk',
    tables: ['api_key_h', 'api_key_s', 'api_key_customer_l'],
    link: 'api_key_customer_l',
    read: async (tx, keys) =>
      (await selectApiKeys(tx, keys)).map(({ row_key, expires_at, ...row }) => [
        row_key,
        { ...row, expires_at_ms: expires_at === null ? null : Date.parse(expires_at) },
      ]),
  }),
  providers: part<Provider>({
    key: 'provider_hk',
    tables: ['ai_provider_h', 'ai_provider_s'],
    read: async (tx, keys) => (await selectProviders(tx, keys)).map(({ row_key, ...row }) => [row_key, row]),
  }),
  models: part<Omit<Model, 'deployments'>>({
    key: 'model_hk',
    tables: ['model_h', 'model_s'],
    read: async (tx, keys) => (await selectModels(tx, keys)).map(({ row_key, ...row }) => [row_key, row]),
  }),
  deployments: part<{ readonly model: string; readonly provider: string }>({
    key: 'model_provider_link_hk',
    tables: ['model_provider_l'],
    link: 'model_provider_l',
    read: async (tx, keys) =>
      (await selectDeployments(tx, keys)).map(({ deployment_hk, ...row }) => [deployment_hk, row]),
  }),
  prices: part<Price>({
    key: 'model_provider_link_hk',
    tables: ['model_provider_l', 'model_price_s', 'model_price_tier_s'],
    read: async (tx, keys) => (await selectPrices(tx, keys)).map((row) => [row.deployment_hk, priceOf(row)]),
  }),
  rules: part({
    key: 'routing_rule_hk',
    tables: ['routing_rule_h', 'routing_rule_s'],
    read: async (tx, keys) =>
      (await selectRoutingRules(tx, keys)).map(({ row_key, ...row }) => [row_key, row] as const),
  }),
  provider_keys: part<ProviderKey>({
    key: 'customer_provider_key_hk',
    tables: [
      'customer_provider_keys_h',
      'customer_provider_keys_s',
      'customer_provider_key_terms_s',
      'customer_provider_keys_l',
    ],
    link: 'customer_provider_keys_l',
    read: async (tx, keys) =>
      (await selectProviderKeys(tx, keys)).map(({ row_key, ...row }) => [
        row_key,
        {
          ...row,
          daily_spending_limit: picoOf(row.daily_spending_limit),
          monthly_spending_limit: picoOf(row.monthly_spending_limit),
        },
      ]),
  }),
  agreed_prices: part<{ readonly agreed_key: string; readonly price: AgreedPrice }>({
    key: 'customer_price_link_hk',
    tables: ['customer_price_l', 'customer_price_s'],
    link: 'customer_price_l',
    read: async (tx, keys) =>
      (await selectAgreedPrices(tx, keys)).map((row) => [
        row.row_key,
        { agreed_key: agreedKey(row), price: agreedPriceOf(row) },
      ]),
  }),
} as const;

export type PartName = keyof typeof PARTS;

type ValueOf<P extends PartName> = (typeof PARTS)[P] extends PartSource<infer T> ? T : never;

/** By part, then by hash key, the values of the vault. */
export type Parts = { readonly [P in PartName]: ReadonlyMap<string, readonly ValueOf<P>[]> };
