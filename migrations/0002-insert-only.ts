import type { Knex } from 'knex';

/** What every table of the raw vault gets: guards, a ghost record, partitions, views. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(GUARD);
  await knex.raw(GHOST);
  await knex.raw(PARTITIONS);
  await knex.raw(VIEWS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const GUARD = `
create function util.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '%.% is insert-only: % is refused', tg_table_schema, tg_table_name, lower(tg_op)
    using errcode = 'insufficient_privilege';
end $$;

create function util.guard(target regclass) returns void
language plpgsql as $$
begin
  execute format(
    'create trigger refuse_change before update or delete on %s for each row execute function util.refuse_change()',
    target);
  execute format(
    'create trigger refuse_truncate before truncate on %s for each statement execute function util.refuse_change()',
    target);
  execute format('grant select, insert on %s to onevault_gateway', target);
end $$;
`;

const GHOST = `
-- One row under the all-zero key, so that an inner join loses nothing. Columns that may be null are null.
create function util.insert_ghost(target regclass) returns void
language plpgsql as $$
declare
  columns text;
  ghost text;
begin
  select string_agg(quote_ident(attname), ', ' order by attnum), string_agg(
    case
      when not attnotnull then 'null'
      else case format_type(atttypid, null)
        when 'bytea' then $x$decode(repeat('00', 32), 'hex')$x$
        when 'text' then case when attname = 'record_source' then $x$'ghost'$x$ else $x$'unknown'$x$ end
        when 'timestamp with time zone' then $x$timestamptz '1900-01-01 00:00:00+00'$x$
        when 'date' then $x$date '1900-01-01'$x$
        when 'uuid' then $x$uuid '00000000-0000-0000-0000-000000000000'$x$
        when 'boolean' then 'false'
        when 'jsonb' then $x$jsonb '{}'$x$
        when 'text[]' then $x$'{}'::text[]$x$
        else '0'
      end
    end, ', ' order by attnum)
  into columns, ghost
  from pg_attribute
  where attrelid = target and attnum > 0 and not attisdropped;
  execute format('insert into %s (%s) values (%s)', target, columns, ghost);
end $$;
`;

const PARTITIONS = `
-- Every range-partitioned table of the raw vault holds one partition a day (UTC) of load_date, and one for what is
-- older than the product: the ghost record.
create function util.partitioned_tables() returns table (schema_name name, table_name name)
language sql stable as $$
  select n.nspname, c.relname
  from pg_partitioned_table p
  join pg_class c on c.oid = p.partrelid
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('auth', 'gateway', 'billing', 'ops')
  order by n.nspname, c.relname
$$;

create function util.attach_partition(parent regclass, partition text, bounds text) returns void
language plpgsql as $$
begin
  -- "create table … partition of" would lock the parent against readers; attaching does not.
  execute format('create table %s (like %s including defaults including constraints)', partition, parent);
  execute format('alter table %s attach partition %s for values %s', parent, partition, bounds);
  execute format(
    'create trigger refuse_truncate before truncate on %s for each statement execute function util.refuse_change()',
    partition);
end $$;

-- Makes the daily partitions that are missing from one day to another, both included, and returns how many it made.
create function util.ensure_partitions(from_day date, to_day date) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
  made integer := 0;
  parent record;
  day date := greatest(from_day, date '2000-01-01');
  partition text;
begin
  if to_day - from_day > 3660 then
    raise exception 'more than ten years of partitions at once: % to %', from_day, to_day;
  end if;
  while day <= to_day loop
    for parent in select schema_name, table_name from util.partitioned_tables() loop
      partition := format('%I.%I', parent.schema_name, parent.table_name || to_char(day, '"_p"YYYYMMDD'));
      if to_regclass(partition) is null then
        -- Two loaders may meet a new day at once: the second waits here, and finds it made.
        perform pg_advisory_xact_lock(hashtextextended('onevault partitions', 0));
        -- A query, for to_regclass still answers from the cache of before the wait.
        if not exists (
          select
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = parent.schema_name and c.relname = parent.table_name || to_char(day, '"_p"YYYYMMDD')
        ) then
          perform util.attach_partition(
            format('%I.%I', parent.schema_name, parent.table_name)::regclass,
            partition,
            format('from (%L) to (%L)', day || ' 00:00:00+00', day + 1 || ' 00:00:00+00'));
          made := made + 1;
        end if;
      end if;
    end loop;
    day := day + 1;
  end loop;
  return made;
end $$;
`;

const VIEWS = `
-- <satellite>_history: every state, runs of equal hash_diff as one row, with load_end_date where the next begins.
-- <satellite>_current: the last row of each key in the order of applied_date, load_date, hash_diff.
-- Facts (flavour event) do not end: each of them is current. Of a tracked key (flavour tracking) each source has its
-- own run of states.
create function util.create_satellite_views(target regclass, hash_key text, flavour text) returns void
language plpgsql as $$
declare
  columns text;
  states text := target::text;
  join_set text := '';
  state_key text := hash_key || case flavour when 'tracking' then ', record_source' else '' end;
  order_back text := format('%1$s, applied_date desc, load_date desc, hash_diff desc', replace(state_key, ',', ' desc,') || ' desc');
begin
  select string_agg('s.' || quote_ident(attname), ', ' order by attnum)
  into columns
  from pg_attribute
  where attrelid = target and attnum > 0 and not attisdropped;
  if flavour = 'multi-active' then
    states := format('(select distinct %s, applied_date, load_date, hash_diff from %s)', hash_key, target);
  end if;
  execute format($v$
    create view %1$s_history as
    select %2$s, state.load_end_date
    from (
      select %3$s, applied_date, load_date, hash_diff, lead(applied_date) over key_order as load_end_date
      from (
        select %3$s, applied_date, load_date, hash_diff, lag(hash_diff) over key_order as previous_diff
        from %4$s as said
        window key_order as (partition by %3$s order by applied_date, load_date, hash_diff)) as compared
      where previous_diff is distinct from hash_diff
      window key_order as (partition by %3$s order by applied_date, load_date, hash_diff)) as state
    join %1$s s using (%3$s, applied_date, load_date, hash_diff)
  $v$, target, columns, state_key, states);
  execute case flavour
    when 'event' then format('create view %1$s_current as select %2$s from %1$s s', target, columns)
    when 'multi-active' then format($v$
      create view %1$s_current as
      select %2$s
      from (
        select distinct on (%3$s) %3$s, applied_date, load_date, hash_diff
        from %1$s
        order by %4$s) as head
      join %1$s s using (%3$s, applied_date, load_date, hash_diff)
    $v$, target, columns, hash_key, order_back)
    else format(
      'create view %1$s_current as select distinct on (%3$s) %2$s from %1$s s order by %4$s',
      target, columns, state_key, order_back)
  end;
  execute format('grant select on %1$s_history, %1$s_current to onevault_gateway', target);
end $$;

create function util.finish_hub(target regclass) returns void
language plpgsql as $$
begin
  perform util.insert_ghost(target);
  perform util.guard(target);
end $$;

create function util.finish_satellite(target regclass, hash_key text, flavour text) returns void
language plpgsql as $$
begin
  perform util.insert_ghost(target);
  perform util.guard(target);
  perform util.create_satellite_views(target, hash_key, flavour);
end $$;
`;
