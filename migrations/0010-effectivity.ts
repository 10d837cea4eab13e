import type { Knex } from 'knex';

/** Satellites that say when a relation holds, and which source still lists it. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(EFFECTIVITY_VIEWS);
  await knex.raw(CUSTOMER_TENANT);
  await knex.raw(MODEL_PROVIDER);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const EFFECTIVITY_VIEWS = `
-- <satellite>_history: one row for each time during which a relation held: from applied_date until load_end_date.
-- <satellite>_current: the relations in force, at most one for each value of the driving key.
-- Both carry the hub keys of the link. In the order of applied_date, load_date, hash_diff, link key, an opening of
-- another partner ends the one before; a closing of a partner that does not hold says nothing.
create function util.finish_effectivity(target regclass, link regclass, link_key text, driving_key text) returns void
language plpgsql as $$
declare
  columns text;
  hub_keys text;
  key_order text := format('applied_date, load_date, hash_diff, %s', link_key);
begin
  perform util.insert_ghost(target);
  perform util.guard(target);
  select string_agg('s.' || quote_ident(attname), ', ' order by attnum)
  into columns
  from pg_attribute
  where attrelid = target and attnum > 0 and not attisdropped;
  select string_agg(quote_ident(attname), ', ' order by attnum)
  into hub_keys
  from pg_attribute
  where attrelid = link and attnum > 0 and attname like '%\\_hk' and attname <> link_key;
  -- A condition on the driving key reaches down to the tables: it stands in every "partition by" and "distinct on".
  execute format($v$
    create view %1$s_history as
    select %3$s, period.load_end_date, %4$s
    from (
      select *, lead(applied_date) over time_order as load_end_date
      from (
        select *, lag(state) over time_order as previous_state
        from (
          select *,
            case when is_effective then %5$s || hash_diff end as state,
            first_value(%5$s) over (partition by %6$s, openings order by %7$s) as holder
          from (
            select said.*, %4$s,
              count(*) filter (where is_effective) over (partition by %6$s order by %7$s) as openings
            from %1$s said
            join (select %5$s, %4$s from %2$s) link using (%5$s)) as numbered) as held
        where openings > 0 and %5$s = holder
        window time_order as (partition by %6$s order by %7$s)) as compared
      where previous_state is distinct from state
      window time_order as (partition by %6$s order by %7$s)) as period
    join %1$s s using (%5$s, applied_date, load_date, hash_diff)
    where period.is_effective
  $v$, target, link, columns, hub_keys, link_key, driving_key, key_order);
  execute format($v$
    create view %1$s_current as
    select %3$s, %4$s
    from (
      select distinct on (%6$s) %5$s, applied_date, load_date, hash_diff, %4$s
      from %1$s
      join (select %5$s, %4$s from %2$s) link using (%5$s)
      where is_effective
      order by %6$s, applied_date desc, load_date desc, hash_diff desc, %5$s desc) as opened
    join %1$s s using (%5$s, applied_date, load_date, hash_diff)
    where not exists (
      select
      from %1$s closing
      where closing.%5$s = s.%5$s
        and not closing.is_effective
        and (closing.applied_date, closing.load_date, closing.hash_diff) > (s.applied_date, s.load_date, s.hash_diff))
  $v$, target, link, columns, hub_keys, link_key, driving_key);
  execute format('grant select on %1$s_history, %1$s_current to onevault_gateway', target);
end $$;
`;

const CUSTOMER_TENANT = `
create table gateway.customer_tenant_effectivity_s (
  customer_tenant_link_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  is_effective boolean not null,
  record_source text not null,
  primary key (customer_tenant_link_hk, applied_date, load_date, hash_diff)
);
select util.finish_effectivity(
  'gateway.customer_tenant_effectivity_s', 'gateway.customer_tenant_l', 'customer_tenant_link_hk', 'customer_hk');
`;

const MODEL_PROVIDER = `
create table gateway.model_provider_tracking_s (
  model_provider_link_hk bytea not null,
  load_date timestamptz not null,
  applied_date timestamptz not null,
  hash_diff bytea not null,
  is_present boolean not null,
  record_source text not null,
  primary key (model_provider_link_hk, record_source, applied_date, load_date, hash_diff)
);
select util.finish_satellite('gateway.model_provider_tracking_s', 'model_provider_link_hk', 'tracking');
`;
