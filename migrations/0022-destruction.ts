import type { Knex } from 'knex';

/** The end of what has been kept long enough: certificates, and the one way in which a day of calls can go. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(CERTIFICATE);
  await knex.raw(REMAINS);
  await knex.raw(DESTRUCTION);
  await knex.raw(HOLDS);
  await knex.raw(GRANTS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const CERTIFICATE = `
create table ops.destruction_certificate_h (
  destruction_certificate_hk bytea not null,
  load_date timestamptz not null,
  destruction_certificate_bk text not null,
  record_source text not null,
  primary key (destruction_certificate_hk)
);
select util.finish_hub('ops.destruction_certificate_h');

create table ops.destruction_certificate_s (
  destruction_certificate_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  data_class text not null,
  destroyed_day date not null,
  retention_days integer not null,
  call_count bigint not null,
  customer_count integer not null,
  table_rows jsonb not null,
  first_request timestamptz,
  last_request timestamptz,
  leaf_count bigint not null,
  leaves_sha256 bytea not null,
  checkpoint_origin text,
  checkpoint_size bigint,
  checkpoint_root bytea,
  authority text not null,
  job_run text not null,
  record_source text not null,
  primary key (destruction_certificate_hk, applied_date, load_date, hash_diff)
);
create index on ops.destruction_certificate_s (destroyed_day);
select util.finish_satellite('ops.destruction_certificate_s', 'destruction_certificate_hk', 'state');
`;

const REMAINS = `
-- Where the destroyed calls stand in the audit log.
create table ops.destruction_leaves_s (
  destruction_certificate_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  range_number integer not null,
  first_leaf bigint not null,
  leaf_count bigint not null,
  record_source text not null,
  primary key (destruction_certificate_hk, applied_date, load_date, hash_diff, range_number)
);
create index on ops.destruction_leaves_s (first_leaf);
select util.finish_satellite('ops.destruction_leaves_s', 'destruction_certificate_hk', 'multi-active');

-- What they sum up to, so that a total which is made again stays what it was.
create table ops.destruction_usage_s (
  destruction_certificate_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  usage_number integer not null,
  usage_day date not null,
  customer text not null,
  provider text not null,
  model text not null,
  call_count bigint not null,
  total_tokens bigint not null,
  provider_cost numeric not null,
  gateway_markup numeric not null,
  customer_cost numeric not null,
  record_source text not null,
  primary key (destruction_certificate_hk, applied_date, load_date, hash_diff, usage_number)
);
create index on ops.destruction_usage_s (usage_day);
select util.finish_satellite('ops.destruction_usage_s', 'destruction_certificate_hk', 'multi-active');

-- Which batches touch a day is asked for each day that is to go; they come in the order of time.
create index journal_batch_days on ops.journal_batch using brin (first_load_date, last_load_date)
with (pages_per_range = 32, autosummarize = on);
`;

const DESTRUCTION = `
-- The partitions of a day, all tables in one order.
create function util.partitions_of_day(day date)
returns table (parent text, partition text)
language sql stable
set search_path = pg_catalog, pg_temp as $$
  select format('%I.%I', t.schema_name, t.table_name), named.partition
  from util.partitioned_tables() t
  cross join lateral (
    select format('%I.%I', t.schema_name, t.table_name || to_char(day, '"_p"YYYYMMDD')) as partition) named
  where to_regclass(named.partition) is not null
  order by 1
$$;

-- Keeps everybody from writing to a day until the transaction ends; whoever reads it goes on.
create function util.lock_day(day date) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  part record;
begin
  for part in select p.partition from util.partitions_of_day(day) p loop
    execute format('lock table %s in share row exclusive mode', part.partition);
  end loop;
end $$;

-- Drops a day of calls, all tables at once. The last word is the database's: nothing goes without a certificate that
-- this very transaction wrote and that counts what stands, nor younger than 183 days (Art. 19 and 26(6) of Regulation
-- (EU) 2024/1689), nor what belongs to a customer under a legal hold. Returns how many partitions went.
create function util.drop_day(day date, certificate text) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
  counted jsonb;
  part record;
  standing bigint;
  dropped integer := 0;
begin
  if day + 183 >= current_date then
    raise exception 'the calls of % are younger than 183 days', day using errcode = 'object_in_use';
  end if;
  select s.table_rows
  into counted
  from ops.destruction_certificate_h h
  join ops.destruction_certificate_s s using (destruction_certificate_hk)
  where h.destruction_certificate_bk = certificate
    and s.destroyed_day = day
    -- Written since this transaction began, by itself or a part of it that may be undone.
    and age(s.xmin) <= age(pg_current_xact_id()::xid);
  if not found then
    raise exception 'this transaction has written no certificate % for the calls of %', certificate, day
      using errcode = 'insufficient_privilege';
  end if;
  perform util.lock_day(day);
  -- Nobody lays a hold between the look at them and the end of the day.
  perform pg_advisory_xact_lock(hashtextextended('onevault retention', 0));
  for part in select p.partition from util.partitions_of_day(day) p loop
    execute format('select count(*) from %s', part.partition) into standing;
    if standing is distinct from (
      select (said->>'rows')::bigint
      from jsonb_array_elements(counted) said
      where said->>'partition' = part.partition
    ) then
      raise exception 'the certificate % does not count the % rows of %', certificate, standing, part.partition
        using errcode = 'insufficient_privilege';
    end if;
    if part.partition like 'gateway.api\\_request\\_l\\_p%' then
      execute format($q$
        select 1
        from %s call
        join privacy.legal_hold_customer_l l using (customer_hk)
        join privacy.legal_hold_s_current held using (legal_hold_hk)
        where held.hold_status = 'ACTIVE'
        limit 1
      $q$, part.partition) into standing;
      if standing is not null then
        raise exception 'the calls of % belong to a customer under a legal hold', day
          using errcode = 'object_in_use';
      end if;
    end if;
  end loop;
  -- First all tables, then their partitions: nobody who reads meets half a day.
  for part in select p.parent from util.partitions_of_day(day) p loop
    execute format('lock table only %s in access exclusive mode', part.parent);
  end loop;
  for part in select p.partition from util.partitions_of_day(day) p loop
    execute format('drop table %s', part.partition);
    dropped := dropped + 1;
  end loop;
  return dropped;
end $$;
`;

const HOLDS = `
create function privacy.order_holds() returns trigger
language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('onevault retention', 0));
  return null;
end $$;

create trigger order_holds before insert on privacy.legal_hold_s
for each statement execute function privacy.order_holds();
`;

const GRANTS = `
-- Roles belong to the whole cluster: another database may have made it already.
do $$
begin
  create role onevault_retention nologin in role onevault_gateway;
exception
  when duplicate_object or unique_violation then null;
end $$;

revoke execute on function util.lock_day(date), util.drop_day(date, text) from public;
grant execute on function util.lock_day(date), util.drop_day(date, text) to onevault_retention;
`;
