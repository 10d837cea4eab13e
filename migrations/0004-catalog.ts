import type { Knex } from 'knex';

/** Customers, providers, models, prices and routing rules. Money is in pico-dollars. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(CUSTOMER);
  await knex.raw(PROVIDER);
  await knex.raw(MODEL);
  await knex.raw(ROUTING_RULE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const CUSTOMER = `
create table gateway.customer_h (
  customer_hk bytea not null,
  load_date timestamptz not null,
  customer_bk text not null,
  record_source text not null,
  primary key (customer_hk)
);
select util.finish_hub('gateway.customer_h');

create table gateway.customer_config_s (
  customer_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  customer_name text not null,
  customer_status text not null,
  api_key_encrypted bytea,
  preferred_providers text[],
  cost_budget_monthly numeric,
  cost_budget_daily numeric,
  compliance_level text,
  rate_limit_requests_per_minute integer,
  priority_tier text not null,
  webhook_url text,
  markup_basis_points integer not null,
  unpriced_policy text not null,
  record_source text not null,
  primary key (customer_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.customer_config_s', 'customer_hk', 'state');

create table gateway.customer_tenant_l (
  customer_tenant_link_hk bytea not null,
  load_date timestamptz not null,
  customer_hk bytea not null,
  tenant_hk bytea not null,
  record_source text not null,
  primary key (customer_tenant_link_hk)
);
create index on gateway.customer_tenant_l (customer_hk);
select util.guard('gateway.customer_tenant_l');
`;

const PROVIDER = `
create table gateway.ai_provider_h (
  provider_hk bytea not null,
  load_date timestamptz not null,
  provider_bk text not null,
  record_source text not null,
  primary key (provider_hk)
);
select util.finish_hub('gateway.ai_provider_h');

create table gateway.ai_provider_s (
  provider_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  provider_name text not null,
  protocol text not null,
  api_endpoint text not null,
  models_available text[],
  cost_per_1k_tokens numeric,
  max_tokens_per_request integer,
  requests_per_minute_limit integer,
  current_latency_ms integer,
  current_availability_percent numeric,
  quality_score numeric,
  is_active boolean not null,
  record_source text not null,
  primary key (provider_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.ai_provider_s', 'provider_hk', 'state');
`;

const MODEL = `
create table gateway.model_h (
  model_hk bytea not null,
  load_date timestamptz not null,
  model_bk text not null,
  record_source text not null,
  primary key (model_hk)
);
select util.finish_hub('gateway.model_h');

create table gateway.model_s (
  model_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  model_name text not null,
  model_family text,
  capabilities text[] not null,
  context_window_tokens integer,
  max_output_tokens integer,
  quality_score numeric,
  is_active boolean not null,
  record_source text not null,
  primary key (model_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.model_s', 'model_hk', 'state');

create table gateway.model_provider_l (
  model_provider_link_hk bytea not null,
  load_date timestamptz not null,
  model_hk bytea not null,
  provider_hk bytea not null,
  record_source text not null,
  primary key (model_provider_link_hk)
);
create index on gateway.model_provider_l (model_hk);
select util.guard('gateway.model_provider_l');

create table gateway.model_price_s (
  model_provider_link_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  provider_model_name text not null,
  input_price numeric,
  output_price numeric,
  cached_input_price numeric,
  cache_write_price numeric,
  reasoning_price numeric,
  audio_input_price numeric,
  audio_output_price numeric,
  image_price numeric,
  request_price numeric,
  price_source text not null,
  is_offered boolean not null,
  record_source text not null,
  primary key (model_provider_link_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.model_price_s', 'model_provider_link_hk', 'state');
`;

const ROUTING_RULE = `
create table gateway.routing_rule_h (
  routing_rule_hk bytea not null,
  load_date timestamptz not null,
  routing_rule_bk text not null,
  record_source text not null,
  primary key (routing_rule_hk)
);
select util.finish_hub('gateway.routing_rule_h');

create table gateway.routing_rule_s (
  routing_rule_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  rule_name text not null,
  rule_priority integer not null,
  conditions jsonb not null,
  target_provider text,
  target_model text,
  cost_optimization boolean not null,
  latency_optimization boolean not null,
  quality_optimization boolean not null,
  compliance_requirements text[],
  is_active boolean not null,
  record_source text not null,
  primary key (routing_rule_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.routing_rule_s', 'routing_rule_hk', 'state');
`;
