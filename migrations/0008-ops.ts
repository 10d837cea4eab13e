import type { Knex } from 'knex';

/** Job runs, reports, and the engine's own tables. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(JOB_RUN);
  await knex.raw(REPORT);
  await knex.raw(ENGINE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const JOB_RUN = `
create table ops.job_run_h (
  job_run_hk bytea not null,
  load_date timestamptz not null,
  job_run_bk text not null,
  record_source text not null,
  primary key (job_run_hk)
);
select util.finish_hub('ops.job_run_h');

create table ops.job_run_s (
  job_run_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  job_name text not null,
  logical_instant timestamptz not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  outcome text not null,
  attempt integer not null,
  rows_in bigint not null,
  rows_out bigint not null,
  input_watermark jsonb not null,
  sql_sha256 bytea,
  error_message text,
  record_source text not null,
  primary key (job_run_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('ops.job_run_s', 'job_run_hk', 'state');
`;

const REPORT = `
create table ops.report_h (
  report_hk bytea not null,
  load_date timestamptz not null,
  report_bk text not null,
  record_source text not null,
  primary key (report_hk)
);
select util.finish_hub('ops.report_h');

create table ops.report_customer_l (
  report_customer_link_hk bytea not null,
  load_date timestamptz not null,
  report_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (report_customer_link_hk)
);
create index on ops.report_customer_l (report_hk);
create index on ops.report_customer_l (customer_hk);
select util.guard('ops.report_customer_l');

create table ops.report_s (
  report_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  report_name text not null,
  parameters jsonb not null,
  requested_by text not null,
  format text not null,
  known_at timestamptz not null,
  generated_at timestamptz not null,
  row_count bigint not null,
  document_sha256 bytea not null,
  sql_sha256 bytea not null,
  record_source text not null,
  primary key (report_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('ops.report_s', 'report_hk', 'state');
`;

const ENGINE = `
create table ops.load_error (
  load_error_key bytea primary key,
  table_name text not null,
  reason text not null,
  record text not null,
  refused_at timestamptz not null
);
select util.guard('ops.load_error');

-- One row a load transaction: proves that a writer's sequences are gapless, and tells where to go on.
create table ops.journal_batch (
  writer uuid not null,
  first_sequence bigint not null check (first_sequence >= 1),
  last_sequence bigint not null,
  record_count bigint not null,
  -- Least and greatest request_timestamp of the batch's calls; null when it held none.
  first_instant timestamptz,
  last_instant timestamptz,
  -- Least and greatest load_date of the batch's calls: where its rows lie.
  first_load_date timestamptz,
  last_load_date timestamptz,
  loaded_at timestamptz not null,
  primary key (writer, first_sequence),
  check (last_sequence >= first_sequence)
);
select util.guard('ops.journal_batch');
`;
