import type { Knex } from 'knex';

/**
 * The leaves of the audit log: every row that is written leaves the hash of its entry, in the same transaction. What
 * the vault holds already is adopted.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(LEAF_BATCH);
  await knex.raw(ENTRIES);
  await knex.raw(RECORDED);
  await knex.raw(JOURNAL);
  await knex.raw(ADOPTION);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const LEAF_BATCH = `
-- The leaves of one transaction's events, in their order: of a batch of the journal, or of a change.
create table audit.leaf_batch (
  leaf_batch_id bigint generated always as identity primary key,
  -- The row of ops.journal_batch.
  journal_writer uuid,
  first_sequence bigint,
  -- journal_sequence - first_sequence of each leaf's record, ascending.
  sequences integer[],
  -- The row of ops.load_change, whose arrays are in the order of the leaves.
  change_id bigint unique,
  leaf_count integer not null check (leaf_count > 0),
  -- 32 bytes each.
  leaf_hashes bytea not null,
  queued_at timestamptz not null,
  unique (journal_writer, first_sequence),
  check (length(leaf_hashes) = 32 * leaf_count),
  check (num_nonnulls(journal_writer, change_id) = 1),
  check (num_nonnulls(journal_writer, first_sequence, sequences) in (0, 3)),
  check (cardinality(sequences) = leaf_count)
);
-- Proofs read slices: uncompressed, a slice costs no more than itself.
alter table audit.leaf_batch alter column leaf_hashes set storage external;
select util.guard('audit.leaf_batch');

-- The batches that are in no tree yet. Transport, not a fact: only the sequencer takes out what it has appended.
create table audit.leaf_queue (
  leaf_batch_id bigint primary key
);
create trigger refuse_change before update on audit.leaf_queue for each row execute function util.refuse_change();
create trigger refuse_truncate before truncate on audit.leaf_queue
for each statement execute function util.refuse_change();
grant select on audit.leaf_queue to onevault_gateway;

create function audit.queue_leaf_batch() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  insert into audit.leaf_queue (leaf_batch_id) values (new.leaf_batch_id);
  return null;
end $$;

create trigger queue_leaf_batch after insert on audit.leaf_batch
for each row execute function audit.queue_leaf_batch();

-- Where a row stands in the log, from its key.
create index load_change_hash_keys on ops.load_change using gin (hash_keys);
`;

const ENTRIES = `
-- Stable, for to_json and to_char are: as immutable functions they would not be inlined.
create function audit.entry_instant(value timestamptz) returns text
language sql stable parallel safe as $$
  select to_char(value at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- What a leaf says of a row: the hashes cover its other columns. Hubs and links have neither applied_date nor hash_diff.
create function audit.entry_line(
  table_name text, hash_key bytea, load_date timestamptz, applied_date timestamptz, hash_diff bytea, record_source text
) returns text
language sql stable parallel safe as $$
  select table_name || ' ' || encode(hash_key, 'hex') || ' ' || audit.entry_instant(load_date) || ' '
    || coalesce(audit.entry_instant(applied_date), '-') || ' ' || coalesce(encode(hash_diff, 'hex'), '-') || ' '
    || to_json(record_source)::text || chr(10)
$$;

-- The hash of a leaf (RFC 6962, section 2.1) from the sorted lines of its entry.
create function audit.leaf_hash(lines text) returns bytea
language sql stable parallel safe as $$
  select sha256(decode('00', 'hex') || convert_to('onevault-entry/v1' || chr(10) || lines, 'UTF8'))
$$;
`;

const RECORDED = `
-- Notes the keys of a statement's new rows for the change feed, and their leaves for the audit log.
create or replace function util.record_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  table_name text := tg_argv[0];
  hash_key text := tg_argv[1];
  is_satellite boolean := tg_argv[2];
  others text := tg_argv[3];
  noted record;
  noted_id bigint;
begin
  -- In pieces, because an array has its limits and a reader reads whole ones.
  for noted in execute format($q$
    select count(*)::integer as row_count, array_agg(%2$I) as hash_keys,
      %3$s as applied_dates, %4$s as load_dates, %5$s as hash_diffs, %6$s as others,
      string_agg(audit.leaf_hash(audit.entry_line(%1$L, %2$I, load_date, %7$s, record_source)), ''::bytea) as leaf_hashes
    from (select *, (row_number() over () - 1) / 5000 as piece from inserted) as numbered
    group by piece
    order by piece
  $q$, table_name, hash_key,
    case when is_satellite then 'array_agg(applied_date)' else 'null::timestamptz[]' end,
    case when is_satellite then 'array_agg(load_date)' else 'null::timestamptz[]' end,
    case when is_satellite then 'array_agg(hash_diff)' else 'null::bytea[]' end,
    case when others = '' then 'null::text[]' else format('array_agg(row(%s)::text)', others) end,
    case when is_satellite then 'applied_date, hash_diff' else 'null, null' end)
  loop
    insert into ops.load_change (table_name, row_count, hash_keys, applied_dates, load_dates, hash_diffs, others)
    values (table_name, noted.row_count, noted.hash_keys, noted.applied_dates, noted.load_dates, noted.hash_diffs,
      noted.others)
    returning change_id into noted_id;
    insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
    values (noted_id, noted.row_count, noted.leaf_hashes, clock_timestamp());
  end loop;
  return null;
end $$;
`;

const JOURNAL = `
-- Makes the leaves of what the vault holds of a batch of the journal, one a call, and returns how many there are. It is
-- for batches that went in another way than whole: the loader makes the others' leaves itself.
create function audit.queue_journal_batch(batch_writer uuid, batch_first_sequence bigint, batch_queued_at timestamptz)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
  batch ops.journal_batch;
  made integer := 0;
begin
  select b.*
  into strict batch
  from ops.journal_batch b
  where b.writer = batch_writer and b.first_sequence = batch_first_sequence;
  with record as materialized (
    select journal_sequence, api_request_hk, load_date, applied_date, hash_diff, record_source
    from gateway.api_request_s
    where load_date between batch.first_load_date and batch.last_load_date
      and journal_writer = batch.writer
      and journal_sequence between batch.first_sequence and batch.last_sequence
  ), line as (
    select journal_sequence, audit.entry_line(
      'api_request_s', api_request_hk, load_date, applied_date, hash_diff, record_source) as line
    from record
    union all
    select record.journal_sequence, audit.entry_line(
      'api_request_h', t.api_request_hk, t.load_date, null, null, t.record_source)
    from record
    join gateway.api_request_h t using (load_date, api_request_hk)
    where t.load_date between batch.first_load_date and batch.last_load_date
    union all
    select record.journal_sequence, audit.entry_line(
      'api_request_l', t.api_request_link_hk, t.load_date, null, null, t.record_source)
    from record
    join gateway.api_request_l t using (load_date, api_request_hk)
    where t.load_date between batch.first_load_date and batch.last_load_date
    union all
    select record.journal_sequence, audit.entry_line(
      'api_request_route_s', t.api_request_hk, t.load_date, t.applied_date, t.hash_diff, t.record_source)
    from record
    join gateway.api_request_route_s t using (load_date, api_request_hk)
    where t.load_date between batch.first_load_date and batch.last_load_date
  ), leaf as (
    select journal_sequence, audit.leaf_hash(string_agg(line, '' order by line collate "C")) as leaf_hash
    from line
    group by journal_sequence
  )
  insert into audit.leaf_batch (journal_writer, first_sequence, sequences, leaf_count, leaf_hashes, queued_at)
  select batch.writer, batch.first_sequence,
    array_agg((journal_sequence - batch.first_sequence)::integer order by journal_sequence),
    count(*),
    string_agg(leaf_hash, ''::bytea order by journal_sequence),
    batch_queued_at
  from leaf
  having count(*) > 0
  returning leaf_count into made;
  return coalesce(made, 0);
end $$;
`;

const ADOPTION = `
-- The leaves of a change that was noted before there was a log, from the rows as they stand. A row that is gone has a
-- leaf that no row has, so that it is missed from now on.
create function audit.queue_change(adopted_id bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
  target regclass;
  -- The arguments of its record_change trigger: table, hash key, is_satellite, others.
  arguments text[];
begin
  select t.tgrelid::regclass, string_to_array(encode(t.tgargs, 'escape'), chr(92) || '000')
  into strict target, arguments
  from ops.load_change c
  join pg_class named on named.relname = c.table_name
  join pg_trigger t on t.tgrelid = named.oid and t.tgname = 'record_change'
  where c.change_id = adopted_id;
  execute format($q$
    insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
    select c.change_id, count(*), string_agg(audit.leaf_hash(coalesce(
      audit.entry_line(c.table_name, t.%2$I, t.load_date, %3$s, t.record_source), '')), ''::bytea order by k.place),
      clock_timestamp()
    from ops.load_change c
    cross join lateral unnest(c.hash_keys, c.applied_dates, c.load_dates, c.hash_diffs, c.others) with ordinality
      as k (hash_key, applied_date, load_date, hash_diff, other, place)
    left join %1$s t on t.%2$I = k.hash_key %4$s %5$s
    where c.change_id = $1
    group by c.change_id
  $q$, target, arguments[2],
    case when arguments[3]::boolean then 't.applied_date, t.hash_diff' else 'null, null' end,
    case when arguments[3]::boolean
      then 'and (t.applied_date, t.load_date, t.hash_diff) = (k.applied_date, k.load_date, k.hash_diff)' else '' end,
    case when arguments[4] = '' then '' else format('and row(%s)::text = k.other', (
      select string_agg('t.' || btrim(other), ', ' order by place)
      from unnest(string_to_array(arguments[4], ',')) with ordinality as other_columns (other, place))) end)
  using adopted_id;
end $$;

do $$
declare
  change bigint;
  batch record;
begin
  for change in select change_id from ops.load_change order by change_id loop
    perform audit.queue_change(change);
  end loop;
  for batch in select writer, first_sequence from ops.journal_batch order by loaded_at, writer, first_sequence loop
    perform audit.queue_journal_batch(batch.writer, batch.first_sequence, clock_timestamp());
  end loop;
end $$;

drop function audit.queue_change(bigint);
`;
