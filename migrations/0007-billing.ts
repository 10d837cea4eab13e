import type { Knex } from 'knex';

/** Issued invoices: facts, never recomputed. Money is in pico-dollars. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(INVOICE);
  await knex.raw(LINE);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const INVOICE = `
create table billing.invoice_h (
  invoice_hk bytea not null,
  load_date timestamptz not null,
  invoice_bk text not null,
  record_source text not null,
  primary key (invoice_hk)
);
select util.finish_hub('billing.invoice_h');

create table billing.invoice_customer_l (
  invoice_customer_link_hk bytea not null,
  load_date timestamptz not null,
  invoice_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (invoice_customer_link_hk)
);
create index on billing.invoice_customer_l (invoice_hk);
create index on billing.invoice_customer_l (customer_hk);
select util.guard('billing.invoice_customer_l');

create table billing.invoice_s (
  invoice_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  billing_entity text not null,
  billing_period date not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  known_at timestamptz not null,
  cut_off jsonb not null,
  issued_at timestamptz not null,
  currency text not null,
  provider_cost numeric not null,
  gateway_markup numeric not null,
  total numeric not null,
  total_cents bigint not null,
  call_count bigint not null,
  invoice_status text not null,
  document_sha256 bytea not null,
  record_source text not null,
  primary key (invoice_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('billing.invoice_s', 'invoice_hk', 'state');
`;

const LINE = `
create table billing.invoice_line_s (
  invoice_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  line_number integer not null,
  description text not null,
  provider text,
  model text,
  call_count bigint not null,
  prompt_tokens bigint not null,
  completion_tokens bigint not null,
  cached_tokens bigint not null,
  provider_cost numeric not null,
  gateway_markup numeric not null,
  amount numeric not null,
  amount_cents bigint not null,
  service_period date not null,
  query_sha256 bytea not null,
  control_sum numeric not null,
  record_source text not null,
  primary key (invoice_hk, applied_date, load_date, hash_diff, line_number)
);
select util.finish_satellite('billing.invoice_line_s', 'invoice_hk', 'multi-active');
`;
