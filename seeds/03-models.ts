import { findProvider, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices';
import type { Knex } from 'knex';
import { insertHubs, insertSatellites, type SeedRow, SINCE_EVER } from './writing/vault-rows.ts';

/** The version of @pydantic/genai-prices that was read, and when: to be raised together, so that a price that the
 * package changed is a later statement and not a rival of the earlier one. */
export const PRICE_DATA = { version: '0.1.8', load_date: '2026-11-01T00:00:00Z' } as const;

// Limits of a reply, from the providers' model pages; the price data has none.
const MODELS = [
  { provider: 'openai', model: 'gpt-4o', family: 'gpt-4o', max_output_tokens: 16_384, vision: true },
  { provider: 'openai', model: 'gpt-4o-mini', family: 'gpt-4o', max_output_tokens: 16_384, vision: true },
  { provider: 'openai', model: 'gpt-4.1', family: 'gpt-4.1', max_output_tokens: 32_768, vision: true },
  { provider: 'openai', model: 'gpt-4.1-mini', family: 'gpt-4.1', max_output_tokens: 32_768, vision: true },
  { provider: 'openai', model: 'gpt-4.1-nano', family: 'gpt-4.1', max_output_tokens: 32_768, vision: true },
  { provider: 'openai', model: 'gpt-5', family: 'gpt-5', max_output_tokens: 128_000, vision: true },
  { provider: 'openai', model: 'gpt-5-mini', family: 'gpt-5', max_output_tokens: 128_000, vision: true },
  { provider: 'openai', model: 'gpt-5-nano', family: 'gpt-5', max_output_tokens: 128_000, vision: true },
  { provider: 'openai', model: 'o4-mini', family: 'o4', max_output_tokens: 100_000, vision: true },
  {
    provider: 'anthropic',
    model: 'claude-haiku-4-5',
    family: 'claude-4.5',
    max_output_tokens: 64_000,
    vision: true,
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    family: 'claude-4.5',
    max_output_tokens: 64_000,
    vision: true,
  },
  {
    provider: 'anthropic',
    model: 'claude-sonnet-4-6',
    family: 'claude-4.6',
    max_output_tokens: 64_000,
    vision: true,
  },
  {
    provider: 'anthropic',
    model: 'claude-opus-4-5',
    family: 'claude-4.5',
    max_output_tokens: 64_000,
    vision: true,
  },
  {
    provider: 'anthropic',
    model: 'claude-opus-4-6',
    family: 'claude-4.6',
    max_output_tokens: 128_000,
    vision: true,
  },
] as const;

/** Chat models with what they can do and their dated prices. */
export const seed = async (knex: Knex): Promise<void> => {
  const offers = MODELS.flatMap((model) =>
    periodsOf(model.provider, model.model).map((period) => ({ model, period })),
  );
  await insertHubs(
    knex,
    { table: 'gateway.model_h', hash_key: 'model_hk', business_key: 'model_bk' },
    MODELS.map(({ model }) => model),
  );
  await insertLinks(knex);
  await insertSatellites(
    knex,
    MODEL_S,
    offers.map(({ model, period }) => modelRow(model, period)),
  );
  await insertSatellites(
    knex,
    MODEL_PRICE_S,
    offers.map(({ model, period }) => priceRow(model, period)),
  );
  await insertSatellites(
    knex,
    MODEL_PROVIDER_TRACKING_S,
    MODELS.map(({ model, provider }) => ({
      ...{ model, provider, is_present: true },
      ...{ applied_date: SINCE_EVER, load_date: PRICE_DATA.load_date },
    })),
  );
};

const MODEL_KEY = `util.hash_hub('model_h', util.encode_text(row.model))`;
const PROVIDER_KEY = `util.hash_hub('ai_provider_h', util.encode_text(row.provider))`;

const insertLinks = async (knex: Knex): Promise<void> => {
  await knex.raw(
    `insert into gateway.model_provider_l (model_provider_link_hk, load_date, model_hk, provider_hk, record_source)
     select util.hash_link('model_provider_l', ${MODEL_KEY}, ${PROVIDER_KEY}), ?::timestamptz, ${MODEL_KEY}, ${PROVIDER_KEY}, 'seed'
     from jsonb_to_recordset(?::jsonb) as row (model text, provider text)
     on conflict do nothing`,
    [PRICE_DATA.load_date, JSON.stringify(MODELS)],
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

const MODEL_PRICE_S = {
  table: 'gateway.model_price_s',
  hash_key: 'model_provider_link_hk',
  parent: `util.hash_link('model_provider_l', ${MODEL_KEY}, ${PROVIDER_KEY})`,
  key_columns: { model: 'text', provider: 'text' },
  payload: {
    provider_model_name: 'text',
    input_price: 'number',
    output_price: 'number',
    cached_input_price: 'number',
    cache_write_price: 'number',
    reasoning_price: 'number',
    audio_input_price: 'number',
    audio_output_price: 'number',
    image_price: 'number',
    request_price: 'number',
    price_source: 'text',
    is_offered: 'boolean',
  },
} as const;

/** The price data lists them all. */
const MODEL_PROVIDER_TRACKING_S = {
  table: 'gateway.model_provider_tracking_s',
  hash_key: 'model_provider_link_hk',
  parent: `util.hash_link('model_provider_l', ${MODEL_KEY}, ${PROVIDER_KEY})`,
  key_columns: { model: 'text', provider: 'text' },
  payload: { is_present: 'boolean' },
} as const;

interface Period {
  readonly applied_date: string;
  readonly prices: ModelPrice;
  readonly info: ModelInfo;
}

/** The prices of a model, each from the day that it holds from. */
const periodsOf = (provider: string, model: string): Period[] => {
  const info = findProvider({ providerId: provider })?.models.find((candidate) => candidate.id === model);
  if (info === undefined) throw new Error(`@pydantic/genai-prices has no model ${model} at ${provider}`);
  if (!Array.isArray(info.prices)) return [{ applied_date: SINCE_EVER, prices: info.prices, info }];
  return info.prices.map(({ constraint, prices }) => {
    if (constraint === undefined) return { applied_date: SINCE_EVER, prices, info };
    if (constraint.type !== 'start_date') throw new Error(`the price of ${model} depends on the time of day`);
    return { applied_date: `${constraint.start_date}T00:00:00Z`, prices, info };
  });
};

type Model = (typeof MODELS)[number];

const modelRow = (
  { model, family, max_output_tokens, vision }: Model,
  { applied_date, prices, info }: Period,
): SeedRow => ({
  model,
  applied_date,
  load_date: PRICE_DATA.load_date,
  model_name: info.name ?? model,
  model_family: family,
  capabilities: ['chat', 'streaming', 'tools', ...(vision ? ['vision'] : [])],
  // Past the first tier the provider charges more: a prompt that long does not fit, so that none is priced too low.
  context_window_tokens: Math.min(info.context_window ?? Number.POSITIVE_INFINITY, firstTierOf(prices)),
  max_output_tokens,
  is_active: true,
});

const firstTierOf = (prices: ModelPrice): number =>
  Math.min(
    ...Object.values(prices).flatMap((price) =>
      typeof price === 'object' ? price.tiers.map((tier) => tier.start) : [],
    ),
  );

const priceRow = ({ provider, model }: Model, { applied_date, prices }: Period): SeedRow => ({
  model,
  provider,
  applied_date,
  load_date: PRICE_DATA.load_date,
  provider_model_name: model,
  input_price: picoPerToken(prices.input_mtok),
  output_price: picoPerToken(prices.output_mtok),
  cached_input_price: picoPerToken(prices.cache_read_mtok),
  cache_write_price: picoPerToken(prices.cache_write_mtok),
  price_source: `@pydantic/genai-prices ${PRICE_DATA.version}`,
  is_offered: true,
});

/** Pico-dollars a token of a price in US dollars per million tokens; null where there is none. */
const picoPerToken = (price: ModelPrice[string]): string | null => {
  if (price === undefined) return null;
  const usd = typeof price === 'object' ? price.base : price;
  const pico = Math.round(usd * 1_000_000);
  if (Math.abs(pico - usd * 1_000_000) > 1e-6)
    throw new RangeError(`finer than a pico-dollar a token: ${usd}`);
  return String(pico);
};
