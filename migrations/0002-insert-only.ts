import type { Knex } from 'knex';

/** The parts of every table of the raw vault: guards, a ghost record, partitions, views. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(CHANGES);
  await knex.raw(GUARD);
  await knex.raw(GUARD_OF_CHANGES);
  await knex.raw(GHOST);
  await knex.raw(PARTITIONS);
  await knex.raw(VIEWS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const CHANGES = `
-- What was inserted, for readers that want only what is new: one row a statement, with the keys of the rows that it
-- added. The rows themselves stay free of it, because what is in the vault must not depend on how it came there.
create table ops.load_change (
  change_id bigint generated always as identity primary key,
  table_name text not null,
  row_count integer not null,
  hash_keys bytea[] not null,
  -- Of satellites only.
  applied_dates timestamptz[],
  load_dates timestamptz[],
  hash_diffs bytea[],
  -- What else the primary key holds, as the text of a row.
  others text[]
);

create sequence ops.change_position;

-- The order in which transactions became visible.
create table ops.change_order (
  position bigint primary key,
  change_id bigint not null
);

create function util.record_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  table_name text := tg_argv[0];
  hash_key text := tg_argv[1];
  is_satellite boolean := tg_argv[2];
  others text := tg_argv[3];
begin
  -- In pieces, because an array has its limits and a reader reads whole ones.
  execute format($q$
    insert into ops.load_change (table_name, row_count, hash_keys, applied_dates, load_dates, hash_diffs, others)
    select %1$L, count(*), array_agg(%2$I), %3$s, %4$s
    from (select *, (row_number() over () - 1) / 5000 as piece from inserted) as numbered
    group by piece
    order by piece
  $q$, table_name, hash_key,
    case when is_satellite then 'array_agg(applied_date), array_agg(load_date), array_agg(hash_diff)'
      else 'null, null, null' end,
    case when others = '' then 'null' else format('array_agg(row(%s)::text)', others) end);
  return null;
end $$;

-- Runs when its transaction commits. The lock is held until the commit is visible, so whoever sees a position sees
-- every smaller one that will ever be.
create function util.order_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('onevault changes', 0));
  insert into ops.change_order (position, change_id) values (nextval('ops.change_position'), new.change_id);
  return null;
end $$;

create constraint trigger order_change after insert on ops.load_change
deferrable initially deferred for each row execute function util.order_change();

-- Lets a table's inserts be recorded. Partitioned tables need none: the journal's sequences tell what is new there.
create function util.record_changes_of(target regclass) returns void
language plpgsql as $$
declare
  is_entity boolean;
  key_columns text[];
  name text;
begin
  select c.relkind = 'r' and c.relname ~ '_[hls]$', c.relname
  into is_entity, name
  from pg_class c
  where c.oid = target;
  if not is_entity then
    return;
  end if;
  select array_agg(a.attname order by key.place)
  into key_columns
  from pg_index i
  cross join unnest(i.indkey::smallint[]) with ordinality as key (attnum, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.attnum
  where i.indrelid = target and i.indisprimary;
  execute format(
    'create trigger record_change after insert on %s referencing new table as inserted '
    'for each statement execute function util.record_change(%L, %L, %L, %L)',
    target, name, key_columns[1], 'hash_diff' = any(key_columns), (
      select coalesce(string_agg(quote_ident(column_name), ', ' order by place), '')
      from unnest(key_columns[2:]) with ordinality as rest (column_name, place)
      where column_name not in ('applied_date', 'load_date', 'hash_diff')));
end $$;
`;

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
  perform util.record_changes_of(target);
end $$;
`;

const GUARD_OF_CHANGES = `
select util.guard('ops.load_change');
select util.guard('ops.change_order');
-- Only the triggers write there.
revoke insert on ops.load_change, ops.change_order from onevault_gateway;
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
  -- Calls are copied straight into their day.
  execute format('grant select, insert on %s to onevault_gateway', partition);
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
