import type { Knex } from 'knex';

/**
 * Calls: partitioned by the day of load_date, fixed-width columns first so that padding wastes nothing. Money is in
 * pico-dollars.
 *
 * Keys begin with load_date: hashes are random, so an index that begins with one is written all over, and each batch
 * costs more the more calls the day has. In order of time only the last pages are written, and they end up full. By
 * hash key alone the satellites are found, through hash indexes, a third as large; the rest of a call by the key and
 * load_date of its satellite row.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(REQUEST);
  await knex.raw(OUTCOME);
  await knex.raw(ROUTE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const REQUEST = `
create table gateway.api_request_h (
  load_date timestamptz not null,
  api_request_hk bytea not null,
  api_request_bk text not null,
  record_source text not null,
  primary key (load_date, api_request_hk) with (fillfactor = 100)
) partition by range (load_date);
select util.attach_partition('gateway.api_request_h', 'gateway.api_request_h_p_ghost', 'from (minvalue) to (''2000-01-01 00:00:00+00'')');
select util.finish_hub('gateway.api_request_h');

create table gateway.api_request_l (
  load_date timestamptz not null,
  api_request_link_hk bytea not null,
  api_request_hk bytea not null,
  customer_hk bytea not null,
  api_key_hk bytea not null,
  provider_hk bytea not null,
  model_hk bytea not null,
  routing_rule_hk bytea not null,
  record_source text not null,
  primary key (load_date, api_request_link_hk) with (fillfactor = 100)
) partition by range (load_date);
select util.attach_partition('gateway.api_request_l', 'gateway.api_request_l_p_ghost', 'from (minvalue) to (''2000-01-01 00:00:00+00'')');
select util.guard('gateway.api_request_l');
`;

const OUTCOME = `
create table gateway.api_request_s (
  load_date timestamptz not null,
  applied_date timestamptz not null,
  request_timestamp timestamptz not null,
  request_bytes bigint not null,
  response_bytes bigint not null,
  intent_sequence bigint,
  journal_sequence bigint not null,
  prompt_tokens integer,
  completion_tokens integer,
  total_tokens integer,
  cached_tokens integer,
  cache_write_tokens integer,
  reasoning_tokens integer,
  request_latency_ms integer,
  upstream_latency_ms integer,
  time_to_first_token_ms integer,
  http_status integer not null,
  is_streamed boolean not null,
  journal_writer uuid not null,
  api_request_hk bytea not null,
  hash_diff bytea not null,
  request_type text not null,
  endpoint text not null,
  model_requested text,
  model_used text,
  provider_cost numeric,
  gateway_markup numeric,
  customer_cost numeric,
  rating text not null,
  price_version bytea,
  route_reason text,
  request_ip text,
  user_agent text,
  response_status text not null,
  error_code text,
  error_message text,
  compliance_flags text[] not null,
  usage_source text not null,
  priority text,
  request_commitment bytea,
  response_commitment bytea,
  record_source text not null,
  primary key (load_date, api_request_hk) with (fillfactor = 100)
) partition by range (load_date);
create index on gateway.api_request_s using hash (api_request_hk);
create index on gateway.api_request_s using brin (load_date, request_timestamp);
select util.attach_partition('gateway.api_request_s', 'gateway.api_request_s_p_ghost', 'from (minvalue) to (''2000-01-01 00:00:00+00'')');
select util.finish_satellite('gateway.api_request_s', 'api_request_hk', 'event');
`;

const ROUTE = `
create table gateway.api_request_route_s (
  load_date timestamptz not null,
  applied_date timestamptz not null,
  api_request_hk bytea not null,
  hash_diff bytea not null,
  candidates jsonb not null,
  attempts jsonb not null,
  decision text not null,
  rule_version bytea,
  max_cost numeric,
  record_source text not null,
  primary key (load_date, api_request_hk) with (fillfactor = 100)
) partition by range (load_date);
create index on gateway.api_request_route_s using hash (api_request_hk);
select util.attach_partition('gateway.api_request_route_s', 'gateway.api_request_route_s_p_ghost', 'from (minvalue) to (''2000-01-01 00:00:00+00'')');
select util.finish_satellite('gateway.api_request_route_s', 'api_request_hk', 'event');
`;
