import type { Knex } from 'knex';

/** Spending and provider performance, which jobs derive from calls. Money is in pico-dollars. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(SPENDING);
  await knex.raw(PERFORMANCE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const SPENDING = `
create table gateway.customer_spending_h (
  spending_hk bytea not null,
  load_date timestamptz not null,
  spending_bk text not null,
  record_source text not null,
  primary key (spending_hk)
);
select util.finish_hub('gateway.customer_spending_h');

create table gateway.customer_spending_l (
  customer_spending_link_hk bytea not null,
  load_date timestamptz not null,
  spending_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (customer_spending_link_hk)
);
create index on gateway.customer_spending_l (spending_hk);
create index on gateway.customer_spending_l (customer_hk);
select util.guard('gateway.customer_spending_l');

create table gateway.customer_spending_s (
  spending_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  billing_period date not null,
  total_requests bigint not null,
  total_tokens bigint not null,
  total_provider_cost numeric not null,
  total_gateway_revenue numeric not null,
  total_customer_charges numeric not null,
  cost_by_provider jsonb not null,
  cost_by_model jsonb not null,
  overage_charges numeric,
  credits_applied numeric,
  billing_status text not null,
  record_source text not null,
  primary key (spending_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.customer_spending_s', 'spending_hk', 'state');
`;

const PERFORMANCE = `
create table gateway.provider_performance_h (
  performance_hk bytea not null,
  load_date timestamptz not null,
  performance_bk text not null,
  record_source text not null,
  primary key (performance_hk)
);
select util.finish_hub('gateway.provider_performance_h');

create table gateway.provider_performance_l (
  provider_performance_link_hk bytea not null,
  load_date timestamptz not null,
  performance_hk bytea not null,
  provider_hk bytea not null,
  model_hk bytea not null,
  record_source text not null,
  primary key (provider_performance_link_hk)
);
create index on gateway.provider_performance_l (performance_hk);
create index on gateway.provider_performance_l (provider_hk, model_hk);
select util.guard('gateway.provider_performance_l');

create table gateway.provider_performance_s (
  performance_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  measurement_timestamp timestamptz not null,
  measurement_window_minutes integer not null,
  total_requests bigint not null,
  successful_requests bigint not null,
  failed_requests bigint not null,
  average_latency_ms integer,
  p95_latency_ms integer,
  p99_latency_ms integer,
  average_time_to_first_token_ms integer,
  p95_time_to_first_token_ms integer,
  error_rate_percent numeric,
  availability_percent numeric,
  tokens_processed bigint not null,
  average_cost_per_token numeric,
  quality_score numeric,
  record_source text not null,
  primary key (performance_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.provider_performance_s', 'performance_hk', 'state');
`;
