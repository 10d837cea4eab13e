import type { Knex } from 'knex';

/** Prices that depend on a prompt's length, the time of day or the service, and prices of customers' own. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(MODEL_PRICE_TIER);
  await knex.raw(CUSTOMER_PRICE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

// Pico-dollars.
const TIER_COLUMNS = `
  tier integer not null,
  service_tier text not null,
  above_prompt_tokens integer not null,
  daily_from_s integer,
  daily_until_s integer,
  input_price numeric,
  output_price numeric,
  cached_input_price numeric,
  cache_write_price numeric,
  long_cache_write_price numeric,
  reasoning_price numeric,
  audio_input_price numeric,
  cached_audio_input_price numeric,
  audio_output_price numeric,
  image_input_price numeric,
  cached_image_input_price numeric,
  image_output_price numeric,
  image_price numeric,
  request_price numeric,
  web_search_price numeric,
  file_search_price numeric,
  maps_search_price numeric,
  code_session_price numeric,`;

const MODEL_PRICE_TIER = `
create table gateway.model_price_tier_s (
  model_provider_link_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,${TIER_COLUMNS}
  record_source text not null,
  primary key (model_provider_link_hk, applied_date, load_date, hash_diff, tier)
);
select util.finish_satellite('gateway.model_price_tier_s', 'model_provider_link_hk', 'multi-active');
`;

const CUSTOMER_PRICE = `
create table gateway.customer_price_l (
  customer_price_link_hk bytea not null,
  load_date timestamptz not null,
  customer_hk bytea not null,
  model_hk bytea not null,
  provider_hk bytea not null,
  record_source text not null,
  primary key (customer_price_link_hk)
);
create index on gateway.customer_price_l (customer_hk);
select util.guard('gateway.customer_price_l');

create table gateway.customer_price_s (
  customer_price_link_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,${TIER_COLUMNS}
  is_agreed boolean not null,
  agreement text,
  record_source text not null,
  primary key (customer_price_link_hk, applied_date, load_date, hash_diff, tier)
);
select util.finish_satellite('gateway.customer_price_s', 'customer_price_link_hk', 'multi-active');
`;
