import type { Knex } from 'knex';

/**
 * Changes and leaves come from the statement that inserts rows, and no more from triggers with transition tables: those
 * cannot be on distributed tables.
 */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(RECORD_ROWS);
  await knex.raw(TRIGGERS);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const RECORD_ROWS = `
-- Notes the keys of rows that a statement has inserted for the change feed, and their leaves for the audit log. The
-- statement calls it with what it returns, so that neither is there without the other. The arrays have one order;
-- applied_dates and hash_diffs are null but for satellites, others holds what else the primary key has, as the text of
-- a row, or is null. Returns the number of rows.
create function util.record_rows(
  table_name text, hash_keys bytea[], load_dates timestamptz[], record_sources text[],
  applied_dates timestamptz[], hash_diffs bytea[], others text[]
) returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  noted_id bigint;
begin
  insert into ops.load_change (table_name, row_count, hash_keys, applied_dates, load_dates, hash_diffs, others)
  values (table_name, cardinality(hash_keys), hash_keys, applied_dates,
    case when hash_diffs is null then null else load_dates end, hash_diffs, others)
  returning change_id into noted_id;
  insert into audit.leaf_batch (change_id, leaf_count, leaf_hashes, queued_at)
  select noted_id, count(*), string_agg(audit.leaf_hash(audit.entry_line(
    table_name, said.hash_key, said.load_date, said.applied_date, said.hash_diff, said.record_source)), ''::bytea
    order by said.place), clock_timestamp()
  from unnest(hash_keys, load_dates, record_sources, applied_dates, hash_diffs) with ordinality
    as said (hash_key, load_date, record_source, applied_date, hash_diff, place);
  return cardinality(hash_keys);
end $$;

-- Whoever may insert rows may record them; nobody else writes there.
revoke execute on function
  util.record_rows(text, bytea[], timestamptz[], text[], timestamptz[], bytea[], text[]) from public;
grant execute on function
  util.record_rows(text, bytea[], timestamptz[], text[], timestamptz[], bytea[], text[]) to onevault_gateway;
`;

const TRIGGERS = `
do $$
declare
  target regclass;
begin
  for target in select t.tgrelid from pg_trigger t where t.tgname = 'record_change' loop
    execute format('drop trigger record_change on %s', target);
  end loop;
end $$;

create or replace function util.guard(target regclass) returns void
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

drop function util.record_changes_of(regclass);
drop function util.record_change();
`;
