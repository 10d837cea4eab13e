import type { Knex } from 'knex';

/** Keys that lie wrapped in the database, and the master keys, which never do, that wrap them. */
export const up = async (knex: Knex): Promise<void> => {
  await knex.raw(MASTER_KEYS);
  await knex.raw(WRAPPED_KEYS);
  await knex.raw(DATA_KEYS);
  await knex.raw(ROTATION);
};

export const down = async (): Promise<void> => {
  throw new Error('migrations go forward only: the vault never forgets');
};

const MASTER_KEYS = `
-- By id only. A master key that is retired wraps nothing any more and may be destroyed; one that was destroyed takes
-- with it what backups and dead tuples still hold wrapped under it.
create table privacy.master_key (
  master_key_id text primary key,
  first_used_at timestamptz not null,
  retired_at timestamptz,
  destroyed_at timestamptz,
  check (destroyed_at is null or retired_at is not null)
);
grant select, insert, update on privacy.master_key to onevault_gateway;
`;

const WRAPPED_KEYS = `
create table privacy.wrapped_key_table (
  table_name text primary key,
  key_column text not null
);
select util.guard('privacy.wrapped_key_table');
revoke insert on privacy.wrapped_key_table from onevault_gateway;

-- A row takes part in the life of the master key that wraps it: while the row's transaction runs, the key cannot be
-- retired, and once it is retired, no row can come to it.
create function privacy.use_master_key() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  perform from privacy.master_key m where m.master_key_id = new.master_key_id and m.retired_at is null for share;
  if found then
    return new;
  end if;
  insert into privacy.master_key (master_key_id, first_used_at)
  values (new.master_key_id, new.wrapped_at)
  on conflict do nothing;
  perform from privacy.master_key m where m.master_key_id = new.master_key_id and m.retired_at is null for share;
  if not found then
    raise exception 'the master key % is retired', new.master_key_id using errcode = 'object_not_in_prerequisite_state';
  end if;
  return new;
end $$;

-- Only the wrapping may change: which master key, and so which bytes.
create function privacy.refuse_other_key() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
  if to_jsonb(old) - '{wrapped_key,master_key_id,wrapped_at}'::text[]
    is distinct from to_jsonb(new) - '{wrapped_key,master_key_id,wrapped_at}'::text[] then
    raise exception '%.%: a key may be wrapped anew, and not changed otherwise', tg_table_schema, tg_table_name
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

-- Makes a table one of wrapped keys, which rotation finds: it needs key_column uuid as its primary key, wrapped_key
-- bytea, master_key_id text, wrapped_at timestamptz. Rows are deleted where a key's end is the end of what it sealed.
create function privacy.finish_wrapped_keys(target regclass, key_column text, may_delete boolean) returns void
language plpgsql as $$
begin
  execute format(
    'create trigger use_master_key before insert or update of master_key_id on %s '
    'for each row execute function privacy.use_master_key()', target);
  execute format(
    'create trigger refuse_other_key before update on %s '
    'for each row execute function privacy.refuse_other_key()', target);
  if not may_delete then
    execute format(
      'create trigger refuse_delete before delete on %s for each row execute function util.refuse_change()', target);
  end if;
  execute format(
    'create trigger refuse_truncate before truncate on %s for each statement execute function util.refuse_change()',
    target);
  execute format('create index on %s (master_key_id)', target);
  execute format('grant select, insert, update on %s to onevault_gateway', target);
  if may_delete then
    execute format('grant delete on %s to onevault_gateway', target);
  end if;
  insert into privacy.wrapped_key_table (table_name, key_column)
  select n.nspname || '.' || c.relname, finish_wrapped_keys.key_column
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.oid = target;
end $$;
`;

const DATA_KEYS = `
create table privacy.data_key (
  data_key_id uuid primary key,
  -- The newest seals.
  key_number bigint generated always as identity unique,
  wrapped_key bytea not null,
  master_key_id text not null,
  created_at timestamptz not null,
  wrapped_at timestamptz not null
);
select privacy.finish_wrapped_keys('privacy.data_key', 'data_key_id', false);

-- How many seals processes have taken for themselves of those that a key may make.
create table privacy.data_key_seals (
  data_key_id uuid primary key references privacy.data_key,
  reserved bigint not null check (reserved >= 0)
);
grant select, insert, update on privacy.data_key_seals to onevault_gateway;
`;

const ROTATION = `
-- At most one is under way; one that was interrupted is the next one's beginning.
create table privacy.key_rotation (
  key_rotation_id uuid primary key,
  started_at timestamptz not null,
  -- The master key that another one is to follow; null where another one stood ready.
  replaced_master_key_id text,
  completed_at timestamptz
);
create unique index on privacy.key_rotation ((true)) where completed_at is null;
grant select, insert, update on privacy.key_rotation to onevault_gateway;
`;
