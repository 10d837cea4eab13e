import type { Knex } from 'knex';

/** The audit events of writes and of reads. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(AUDIT_EVENT);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const AUDIT_EVENT = `
create table audit.audit_event_h (
  audit_event_hk bytea not null,
  load_date timestamptz not null,
  audit_event_bk text not null,
  record_source text not null,
  primary key (audit_event_hk)
);
-- Lists are read page by page in the order of the ids, which is that of time.
create index on audit.audit_event_h (audit_event_bk);
select util.finish_hub('audit.audit_event_h');

create table audit.audit_event_customer_l (
  audit_event_customer_link_hk bytea not null,
  load_date timestamptz not null,
  audit_event_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (audit_event_customer_link_hk)
);
create index on audit.audit_event_customer_l (audit_event_hk);
create index on audit.audit_event_customer_l (customer_hk);
select util.guard('audit.audit_event_customer_l');

create table audit.audit_event_s (
  audit_event_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  actor_kind text not null,
  actor text not null,
  action text not null,
  subject_kind text not null,
  subject text,
  outcome text not null,
  reason text,
  before jsonb,
  after jsonb,
  request_id text,
  request_ip text,
  user_agent text,
  event_count integer not null,
  record_source text not null,
  primary key (audit_event_hk, applied_date, load_date, hash_diff)
);
create index on audit.audit_event_s (applied_date);
select util.finish_satellite('audit.audit_event_s', 'audit_event_hk', 'state');
`;
