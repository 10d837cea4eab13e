import type { Knex } from 'knex';

/** Customers' own provider keys, personal data, what providers have agreed to, and what rules achieved. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(PROVIDER_KEYS);
  await knex.raw(PERSONAL_DATA);
  await knex.raw(COMPLIANCE);
  await knex.raw(RULE_EVALUATION);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const PROVIDER_KEYS = `
create table gateway.customer_provider_keys_h (
  customer_provider_key_hk bytea not null,
  load_date timestamptz not null,
  customer_provider_key_bk text not null,
  record_source text not null,
  primary key (customer_provider_key_hk)
);
select util.finish_hub('gateway.customer_provider_keys_h');

create table gateway.customer_provider_keys_l (
  customer_provider_key_link_hk bytea not null,
  load_date timestamptz not null,
  customer_provider_key_hk bytea not null,
  customer_hk bytea not null,
  provider_hk bytea not null,
  record_source text not null,
  primary key (customer_provider_key_link_hk)
);
create index on gateway.customer_provider_keys_l (customer_provider_key_hk);
create index on gateway.customer_provider_keys_l (customer_hk, provider_hk);
select util.guard('gateway.customer_provider_keys_l');

create table gateway.customer_provider_keys_s (
  customer_provider_key_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  api_key_encrypted bytea not null,
  encryption_key_id text not null,
  key_status text not null,
  daily_spending_limit numeric,
  monthly_spending_limit numeric,
  allowed_models text[],
  last_validated timestamptz,
  record_source text not null,
  primary key (customer_provider_key_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.customer_provider_keys_s', 'customer_provider_key_hk', 'state');
`;

const PERSONAL_DATA = `
create table gateway.customer_pii_s (
  customer_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  pii_encrypted bytea not null,
  subject_key_id uuid not null,
  encryption_algorithm text not null,
  record_source text not null,
  primary key (customer_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.customer_pii_s', 'customer_hk', 'state');
`;

const COMPLIANCE = `
create table gateway.ai_provider_compliance_s (
  provider_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  has_baa boolean not null,
  has_dpa boolean not null,
  processing_regions text[] not null,
  retention_days integer,
  trains_on_data boolean not null,
  transfer_mechanism text,
  valid_from date not null,
  valid_until date,
  evidence text,
  evidence_sha256 bytea,
  record_source text not null,
  primary key (provider_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.ai_provider_compliance_s', 'provider_hk', 'state');
`;

const RULE_EVALUATION = `
create table gateway.routing_rule_evaluation_h (
  routing_rule_evaluation_hk bytea not null,
  load_date timestamptz not null,
  routing_rule_evaluation_bk text not null,
  record_source text not null,
  primary key (routing_rule_evaluation_hk)
);
select util.finish_hub('gateway.routing_rule_evaluation_h');

create table gateway.routing_rule_evaluation_l (
  routing_rule_evaluation_link_hk bytea not null,
  load_date timestamptz not null,
  routing_rule_evaluation_hk bytea not null,
  routing_rule_hk bytea not null,
  record_source text not null,
  primary key (routing_rule_evaluation_link_hk)
);
create index on gateway.routing_rule_evaluation_l (routing_rule_evaluation_hk);
create index on gateway.routing_rule_evaluation_l (routing_rule_hk);
select util.guard('gateway.routing_rule_evaluation_l');

create table gateway.routing_rule_evaluation_s (
  routing_rule_evaluation_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  evaluation_timestamp timestamptz not null,
  evaluation_window_minutes integer not null,
  rule_version bytea not null,
  is_draft boolean not null,
  total_requests bigint not null,
  successful_requests bigint not null,
  failed_requests bigint not null,
  average_latency_ms integer,
  p95_latency_ms integer,
  provider_cost numeric not null,
  customer_cost numeric not null,
  alternatives jsonb not null,
  best_alternative_provider text,
  best_alternative_model text,
  best_alternative_cost numeric,
  savings numeric,
  verdict text not null,
  record_source text not null,
  primary key (routing_rule_evaluation_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.routing_rule_evaluation_s', 'routing_rule_evaluation_hk', 'state');
`;
