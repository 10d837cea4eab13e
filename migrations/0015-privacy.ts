import type { Knex } from 'knex';

/** Keys of the people whose data is kept, legal holds, and erasures. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LEGAL_HOLD);
  await knex.raw(ERASURE);
  await knex.raw(SUBJECT_KEY);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const LEGAL_HOLD = `
create table privacy.legal_hold_h (
  legal_hold_hk bytea not null,
  load_date timestamptz not null,
  legal_hold_bk text not null,
  record_source text not null,
  primary key (legal_hold_hk)
);
select util.finish_hub('privacy.legal_hold_h');

create table privacy.legal_hold_customer_l (
  legal_hold_customer_link_hk bytea not null,
  load_date timestamptz not null,
  legal_hold_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (legal_hold_customer_link_hk)
);
create index on privacy.legal_hold_customer_l (legal_hold_hk);
create index on privacy.legal_hold_customer_l (customer_hk);
select util.guard('privacy.legal_hold_customer_l');

create table privacy.legal_hold_s (
  legal_hold_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  hold_status text not null,
  reason text not null,
  decided_by text not null,
  record_source text not null,
  primary key (legal_hold_hk, applied_date, load_date, hash_diff)
);
select util.finish_satellite('privacy.legal_hold_s', 'legal_hold_hk', 'state');
`;

const ERASURE = `
create table privacy.erasure_h (
  erasure_hk bytea not null,
  load_date timestamptz not null,
  erasure_bk text not null,
  record_source text not null,
  primary key (erasure_hk)
);
select util.finish_hub('privacy.erasure_h');

create table privacy.erasure_customer_l (
  erasure_customer_link_hk bytea not null,
  load_date timestamptz not null,
  erasure_hk bytea not null,
  customer_hk bytea not null,
  record_source text not null,
  primary key (erasure_customer_link_hk)
);
create index on privacy.erasure_customer_l (erasure_hk);
create index on privacy.erasure_customer_l (customer_hk);
select util.guard('privacy.erasure_customer_l');

create table privacy.erasure_s (
  erasure_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  reason text not null,
  requested_by text not null,
  subject_key_id uuid,
  master_key_ids text[] not null,
  states_erased integer not null,
  record_source text not null,
  primary key (erasure_hk, applied_date, load_date, hash_diff)
);
create index on privacy.erasure_s (subject_key_id);
select util.finish_satellite('privacy.erasure_s', 'erasure_hk', 'state');
`;

const SUBJECT_KEY = `
-- One living key a subject, wrapped. Its row is deleted when the subject is erased.
create table privacy.subject_key (
  subject_key_id uuid primary key,
  customer_hk bytea not null unique,
  wrapped_key bytea not null,
  master_key_id text not null,
  created_at timestamptz not null,
  wrapped_at timestamptz not null
);
select privacy.finish_wrapped_keys('privacy.subject_key', 'subject_key_id', true);

-- The last word on a hold is the database's: whoever deletes a key, by whatever way, meets it.
create function privacy.refuse_held() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
    select
    from privacy.legal_hold_customer_l l
    join privacy.legal_hold_s_current s using (legal_hold_hk)
    where l.customer_hk = old.customer_hk
      and s.hold_status = 'ACTIVE'
  ) then
    raise exception 'the subject of the key % is under a legal hold', old.subject_key_id
      using errcode = 'object_in_use';
  end if;
  return old;
end $$;
create trigger refuse_held before delete on privacy.subject_key
for each row execute function privacy.refuse_held();
`;
