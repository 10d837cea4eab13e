import type { Knex } from 'knex';
import { isAddedUnit, PRICE_UNITS, priceColumn } from '../src/pricing/price-units.ts';
import { recordedInsert } from '../src/vault/recorded-insert.ts';
import { CATALOG, CATALOG_DATE } from './catalog/catalog.ts';
import type { CatalogModel, OwnPrice } from './catalog/model.ts';
import {
  BASE_COLUMNS,
  type BookEntry,
  type BookPeriod,
  needsTiers,
  PRICE_COLUMNS,
  packagedPrices,
  pricedBy,
} from './writing/price-book.ts';
import { type Columns, insertHubs, insertSatellites, type SeedRow, SINCE_EVER } from './writing/vault-rows.ts';

/** The version of @pydantic/genai-prices that was read, and when: to be raised together, so that a price that the
 * package changed is a later statement and no conflict with the earlier one. */
export const PRICE_DATA = { version: '0.1.8', load_date: '2026-11-01T00:00:00Z' } as const;

// Later than PRICE_DATA, with which older seeds stated that these models have no price.
const OWN_PRICE_LOAD_DATE = '2026-11-02T00:00:00Z';

/** Models with what they can do, who serves them, and their dated prices. */
export const seed = async (knex: Knex): Promise<void> => {
  const deployments = CATALOG.map((deployment) => ({ deployment, entry: entryOf(deployment) }));
  await insertHubs(
    knex,
    { table: 'gateway.model_h', hash_key: 'model_hk', business_key: 'model_bk' },
    CATALOG.map(({ model }) => model),
  );
  await insertLinks(knex);
  const models = deployments.filter(
    ({ deployment }, place) => CATALOG.findIndex(({ model }) => model === deployment.model) === place,
  );
  await insertSatellites(knex, MODEL_S, models.map(modelRow));
  const periods = deployments.flatMap(({ deployment, entry }) =>
    periodsOf(deployment, entry).map((period) => ({ deployment, period })),
  );
  await insertSatellites(
    knex,
    MODEL_PRICE_S,
    periods.map(({ deployment, period }) => priceRow(deployment, period)),
  );
  await insertSatellites(
    knex,
    MODEL_PRICE_TIER_S,
    periods.flatMap(({ deployment, period }) => tierRows(deployment, period)),
  );
  await insertSatellites(
    knex,
    MODEL_PROVIDER_TRACKING_S,
    CATALOG.map(({ model, provider }) => ({
      model,
      provider,
      is_present: true,
      applied_date: SINCE_EVER,
      load_date: PRICE_DATA.load_date,
    })),
  );
};

const MODEL_KEY = `util.hash_hub('model_h', util.encode_text(row.model))`;
const PROVIDER_KEY = `util.hash_hub('ai_provider_h', util.encode_text(row.provider))`;

const insertLinks = async (knex: Knex): Promise<void> => {
  const hash_key = 'model_provider_link_hk';
  const insert = `
    insert into gateway.model_provider_l (${hash_key}, load_date, model_hk, provider_hk, record_source)
    select util.hash_link('model_provider_l', ${MODEL_KEY}, ${PROVIDER_KEY}), ?::timestamptz, ${MODEL_KEY}, ${PROVIDER_KEY}, 'seed'
    from jsonb_to_recordset(?::jsonb) as row (model text, provider text)
    on conflict do nothing`;
  await knex.raw(
    recordedInsert({ table: 'model_provider_l', kind: 'link', hash_key, primary_key: [hash_key] }, insert),
    [PRICE_DATA.load_date, JSON.stringify(CATALOG.map(({ model, provider }) => ({ model, provider })))],
  );
};

const MODEL_S = {
  table: 'gateway.model_s',
  hash_key: 'model_hk',
  parent: MODEL_KEY,
  key_columns: { model: 'text' },
  payload: {
    model_name: 'text',
    model_family: 'text',
    capabilities: 'text[]',
    context_window_tokens: 'number',
    max_output_tokens: 'number',
    quality_score: 'number',
    is_active: 'boolean',
  },
} as const;

const DEPLOYMENT = {
  hash_key: 'model_provider_link_hk',
  parent: `util.hash_link('model_provider_l', ${MODEL_KEY}, ${PROVIDER_KEY})`,
  key_columns: { model: 'text', provider: 'text' },
} as const;

const numbers = (columns: readonly string[]): Columns =>
  Object.fromEntries(columns.map((column) => [column, 'number']));

const MODEL_PRICE_S = {
  table: 'gateway.model_price_s',
  ...DEPLOYMENT,
  payload: {
    provider_model_name: 'text',
    ...numbers(BASE_COLUMNS),
    price_source: 'text',
    is_offered: 'boolean',
  },
} as const;

const MODEL_PRICE_TIER_S = {
  table: 'gateway.model_price_tier_s',
  ...DEPLOYMENT,
  payload: {
    service_tier: 'text',
    ...numbers(['tier', 'above_prompt_tokens', 'daily_from_s', 'daily_until_s', ...PRICE_COLUMNS]),
  },
  sub_key: 'tier',
  added: PRICE_UNITS.filter(isAddedUnit).map(priceColumn),
} as const;

/** The price data lists them all. */
const MODEL_PROVIDER_TRACKING_S = {
  table: 'gateway.model_provider_tracking_s',
  ...DEPLOYMENT,
  payload: { is_present: 'boolean' },
  is_tracking: true,
} as const;

const entryOf = ({ provider, model, priced_as }: CatalogModel): BookEntry | null => {
  if (priced_as === null) return null;
  const [priced_provider, priced_model] = priced_as ?? [provider, model];
  const entry = packagedPrices(priced_provider, priced_model);
  if (entry === null) throw new Error(`@pydantic/genai-prices has no model ${priced_model} at ${priced_provider}`);
  return entry;
};

const modelRow = ({ deployment, entry }: { deployment: CatalogModel; entry: BookEntry | null }): SeedRow => {
  const { model, family, kind, max_output_tokens, context_window_tokens, vision = false } = deployment;
  return {
    model,
    applied_date: SINCE_EVER,
    load_date: CATALOG_DATE,
    model_name: entry?.name ?? model,
    model_family: family,
    capabilities: kind === undefined ? ['chat', 'streaming', 'tools', ...(vision ? ['vision'] : [])] : [kind],
    context_window_tokens: context_window_tokens ?? entry?.context_window_tokens ?? null,
    max_output_tokens: max_output_tokens ?? null,
    is_active: true,
  };
};

const periodsOf = ({ own_price }: CatalogModel, entry: BookEntry | null): readonly (BookPeriod | null)[] =>
  own_price === undefined ? (entry?.periods ?? [null]) : [pricedBy(own_price.unit, own_price.pico)];

const priceRow = ({ provider, model, served_as, own_price }: CatalogModel, period: BookPeriod | null): SeedRow => ({
  model,
  provider,
  ...datesOf(period, own_price),
  provider_model_name: served_as ?? model,
  ...Object.fromEntries(BASE_COLUMNS.map((column) => [column, period?.tiers[0][column] ?? null])),
  price_source: own_price?.source ?? (period === null ? 'none' : `@pydantic/genai-prices ${PRICE_DATA.version}`),
  is_offered: true,
});

const tierRows = ({ provider, model, own_price }: CatalogModel, period: BookPeriod | null): SeedRow[] =>
  period === null || !needsTiers(period)
    ? []
    : period.tiers.map((tier) => ({ model, provider, ...datesOf(period, own_price), ...tier }));

const datesOf = (period: BookPeriod | null, own_price?: OwnPrice) => ({
  applied_date: period?.from ?? SINCE_EVER,
  load_date: own_price === undefined ? PRICE_DATA.load_date : OWN_PRICE_LOAD_DATE,
});
