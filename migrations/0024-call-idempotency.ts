import type { Knex } from 'knex';

/**
 * Idempotency keys of calls. They have a table of their own: a column more in `api_request_s` would change the hash of
 * every row that it holds already.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(IDEMPOTENCY);
  await knex.raw(LEAVES);
  await knex.raw(SECRETS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const IDEMPOTENCY = `
create table gateway.api_request_idempotency_s (
  load_date timestamptz not null,
  applied_date timestamptz not null,
  api_request_hk bytea not null,
  hash_diff bytea not null,
  key_hash bytea not null,
  body_hash bytea not null,
  record_source text not null,
  primary key (load_date, api_request_hk) with (fillfactor = 100)
) partition by range (load_date);
select util.attach_partition('gateway.api_request_idempotency_s', 'gateway.api_request_idempotency_s_p_ghost', 'from (minvalue) to (''2000-01-01 00:00:00+00'')');
select util.finish_satellite('gateway.api_request_idempotency_s', 'api_request_hk', 'event');

-- The check of the vault wants each day in every table.
select util.ensure_partitions(day, day)
from (
  select to_date(right(c.relname, 8), 'YYYYMMDD') as day
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'gateway.api_request_s'::regclass
    and c.relname ~ '_p[0-9]{8}$') existing;
`;

const LEAVES = `
-- The idempotency key of a call stands in the leaf of the call.
create or replace function audit.queue_journal_batch(batch_writer uuid, batch_first_sequence bigint, batch_queued_at timestamptz)
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
    union all
    select record.journal_sequence, audit.entry_line(
      'api_request_idempotency_s', t.api_request_hk, t.load_date, t.applied_date, t.hash_diff, t.record_source)
    from record
    join gateway.api_request_idempotency_s t using (load_date, api_request_hk)
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

const SECRETS = `
-- Random secrets of the installation, each sealed by a data key.
create table privacy.installation_secret (
  secret_name text primary key,
  sealed_secret bytea not null,
  created_at timestamptz not null
);
select util.guard('privacy.installation_secret');
`;
