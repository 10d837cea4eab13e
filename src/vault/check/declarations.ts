import type { Sql } from '../../postgres/connect.ts';
import { COLUMN_TYPES, type Entity } from '../entity.ts';
import type { Registry } from '../registry.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';

/** The tables are what the entities declare: columns, types, keys, views, and the guards that keep them insert-only. */
export const declarations: Check = {
  name: 'declarations',
  counted: 'columns, keys, views and guards',
  units: async ({ registry }) => [
    { label: 'columns', weight: 1, run: (sql) => compare(sql, registry, columnsDeclared, columnsFound) },
    { label: 'primary keys', weight: 1, run: (sql) => compare(sql, registry, keysDeclared, keysFound) },
    { label: 'views', weight: 1, run: (sql) => compare(sql, registry, viewsDeclared, viewsFound) },
    { label: 'guards', weight: 1, run: (sql) => compare(sql, registry, guardsDeclared, guardsFound) },
  ],
};

type Declared = (entities: readonly Entity[]) => string[];
type Found = (sql: Sql | Transaction, schemas: readonly string[]) => Promise<readonly { readonly line: string }[]>;

const compare = async (
  sql: Sql | Transaction,
  registry: Registry,
  declare: Declared,
  find: Found,
): Promise<Outcome> => {
  const entities = [...registry.entities.values()];
  const declared = new Set(declare(entities));
  const schemas = [...new Set(entities.map(({ schema }) => schema))];
  const found = new Set((await find(sql, schemas)).map(({ line }) => line));
  return outcomeOf(declared.size, [
    ...[...declared.difference(found)].map((line) => `declared, but not there: ${line}`),
    ...[...found.difference(declared)].map((line) => `there, but not declared: ${line}`),
  ]);
};

const columnsDeclared: Declared = (entities) =>
  entities.flatMap((entity) =>
    entity.columns.map(
      ({ name, type, is_nullable }) =>
        `${entity.name}.${name} ${COLUMN_TYPES[type].postgres}${is_nullable ? ' null' : ''}`,
    ),
  );

const columnsFound: Found = (sql, schemas) => sql<{ line: string }[]>`
  select c.table_schema || '.' || c.table_name || '.' || c.column_name || ' '
    || case when c.data_type = 'ARRAY' then ltrim(c.udt_name, '_') || '[]' else c.data_type end
    || case when c.is_nullable = 'YES' then ' null' else '' end as line
  from information_schema.columns c
  join information_schema.tables t using (table_schema, table_name)
  where t.table_type = 'BASE TABLE'
    and t.table_schema = any(${[...schemas]}::text[])
    and t.table_name ~ '_[hls]$'`;

const keysDeclared: Declared = (entities) =>
  entities.map(({ name, primary_key }) => `${name} primary key (${primary_key.join(', ')})`);

const keysFound: Found = (sql, schemas) => sql<{ line: string }[]>`
  select c.conrelid::regclass::text || ' primary key (' || (
    select string_agg(a.attname, ', ' order by key.place)
    from unnest(c.conkey) with ordinality as key (attnum, place)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = key.attnum) || ')' as line
  from pg_constraint c
  join pg_class t on t.oid = c.conrelid
  join pg_index i on i.indexrelid = c.conindid
  where c.contype = 'p'
    and t.relnamespace = any(${[...schemas]}::text[]::regnamespace[])
    and t.relname ~ '_[hls]$'
    and i.indisvalid`;

const viewsDeclared: Declared = (entities) =>
  entities
    .filter(({ kind }) => kind === 'satellite')
    .flatMap(({ name }) => [`view ${name}_current`, `view ${name}_history`]);

const viewsFound: Found = (sql, schemas) => sql<{ line: string }[]>`
  select 'view ' || table_schema || '.' || table_name as line
  from information_schema.views
  where table_schema = any(${[...schemas]}::text[])
    and table_name ~ '_s_(current|history)$'`;

const guardsDeclared: Declared = (entities) =>
  entities.flatMap(({ name }) => ['refuse_change', 'refuse_truncate'].map((guard) => `${name} guarded by ${guard}`));

// A guard on a table is there only if every partition has it too, and switched on.
const guardsFound: Found = (sql, schemas) => sql<{ line: string }[]>`
  select top.oid::regclass::text || ' guarded by ' || g.tgname as line
  from pg_class top
  join pg_trigger g on g.tgrelid = top.oid
  where top.relnamespace = any(${[...schemas]}::text[]::regnamespace[])
    and top.relname ~ '_[hls]$'
    and not g.tgisinternal
    and g.tgname in ('refuse_change', 'refuse_truncate')
    and g.tgenabled in ('O', 'A')
    and not exists (
      select
      from pg_inherits i
      where i.inhparent = top.oid
        and not exists (
          select
          from pg_trigger p
          where p.tgrelid = i.inhrelid and p.tgname = g.tgname and p.tgenabled in ('O', 'A')))`;
