import type { Knex } from 'knex';

/** Tenants and API keys. Links to customers stand here too: hash keys need no foreign keys. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(TENANT);
  await knex.raw(API_KEY);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const TENANT = `
create table auth.tenant_h (
  tenant_hk bytea not null,
  load_date timestamptz not null,
  tenant_bk text not null,
  record_source text not null,
  primary key (tenant_hk)
);
select util.finish_hub('auth.tenant_h');

create table auth.tenant_s (
  tenant_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  tenant_name text not null,
  billing_entity text not null,
  record_source text not null,
  primary key (tenant_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('auth.tenant_s', 'tenant_hk', 'state');
`;

const API_KEY = `
create table auth.api_key_h (
  api_key_hk bytea not null,
  load_date timestamptz not null,
  api_key_bk text not null,
  record_source text not null,
  primary key (api_key_hk)
);
select util.finish_hub('auth.api_key_h');

create table auth.api_key_s (
  api_key_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  key_sha256 bytea not null,
  key_prefix text not null,
  key_name text not null,
  scopes text[] not null,
  allowed_ips text[],
  expires_at timestamptz,
  key_status text not null,
  rate_limit_requests_per_minute integer,
  record_source text not null,
  primary key (api_key_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('auth.api_key_s', 'api_key_hk', 'state');

create table auth.api_key_customer_l (
  api_key_customer_link_hk bytea not null,
  load_date timestamptz not null,
  api_key_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (api_key_customer_link_hk)
);
create index on auth.api_key_customer_l (api_key_hk);
create index on auth.api_key_customer_l (customer_hk);
select util.guard('auth.api_key_customer_l');
`;
