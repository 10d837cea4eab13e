import { createHash } from 'node:crypto';
import type { Transaction } from '../transaction.ts';

/**
 * The objects that PostgreSQL enforces and computes by: a hash of the definition for each, by kind and name. The partitions
 * of one table have the hash of each definition that one of them has, separated by spaces.
 */
export type Definitions = ReadonlyMap<string, string>;

// Settings of a session on which PostgreSQL's text of a definition depends; names on the path lose their schema.
const PRINTING = {
  search_path: 'pg_catalog',
  quote_all_identifiers: 'off',
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
} as const;

const setAll = async (tx: Transaction, settings: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, value] of Object.entries(settings)) await tx`select set_config(${name}, ${value}, true)`;
};

// 64 bits: a second definition with the same hash takes 2^64 tries for one object.
const HASH_DIGITS = 16;

/**
 * The definitions of every relation, column default, constraint, view, trigger, rule, policy, function and grant in the
 * schemas of the product, of the roles that these name, and of what acts on the whole database: event triggers and
 * settings of roles. Partitions of one table count as one, whose name ends in `/partitions`. Schemas that are built from
 * the vault (`derived…`) are left out, as jobs make them anew.
 */
export const readDefinitions = async (tx: Transaction): Promise<Definitions> => {
  const [before] = await tx<Record<string, string>[]>`${tx.unsafe(
    `select ${Object.keys(PRINTING).map((name) => `current_setting('${name}') as "${name}"`)}`,
  )}`;
  await setAll(tx, PRINTING);
  const rows = await tx<{ name: string; definition: string }[]>`${tx.unsafe(QUERY)}`;
  await setAll(tx, before!);
  const texts = Map.groupBy(rows, ({ name }) => name);
  return new Map(
    [...texts]
      .map(([name, found]): [string, string] => [name, hashOf(name, found)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
};

const hashOf = (name: string, found: readonly { readonly definition: string }[]): string => {
  const texts = found.map(({ definition }) => definition).sort();
  return name.endsWith('/partitions') ? texts.map(hashText).sort().join(' ') : hashText(JSON.stringify(texts));
};

const hashText = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);

// Columns of every part: the name of the object, and a definition. PostgreSQL's manual, "System Catalogs".
const QUERY = `
with schema as (
  select oid, nspname, nspowner, nspacl
  from pg_namespace
  where nspname !~ '^(pg_|derived)' and nspname <> 'information_schema'
),
relation as (
  select
    c.*,
    i.inhparent is not null and parent.relkind = 'p' as is_partition,
    format('%I.%I', s.nspname, c.relname) as own_name,
    format('%I.%I', s.nspname, case when parent.relkind = 'p' then parent.relname else c.relname end)
      || case when parent.relkind = 'p' then '/partitions' else '' end as shown_name
  from pg_class c
  join schema s on s.oid = c.relnamespace
  left join pg_inherits i on i.inhrelid = c.oid
  left join pg_class parent on parent.oid = i.inhparent
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
),
grants as (
  select 'grants on ' || shown_name as name, a.grantee, format('owned by %s', relowner::regrole) as owned,
    a.privilege_type, a.is_grantable
  from relation, aclexplode(coalesce(relacl, acldefault(case when relkind = 'S' then 's' else 'r' end::"char", relowner))) a
  union all
  select format('grants on column %s.%I', r.shown_name, c.attname), a.grantee, '', a.privilege_type, a.is_grantable
  from relation r
  join pg_attribute c on c.attrelid = r.oid
  cross join aclexplode(c.attacl) a
  union all
  select format('grants on schema %I', nspname), a.grantee, format('owned by %s', nspowner::regrole),
    a.privilege_type, a.is_grantable
  from schema, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a
  union all
  select format('grants on function %s', p.oid::regprocedure), a.grantee, format('owned by %s', proowner::regrole),
    a.privilege_type, a.is_grantable
  from pg_proc p
  join schema s on s.oid = p.pronamespace
  cross join aclexplode(coalesce(proacl, acldefault('f', proowner))) a
  union all
  select format('default grants of %s in %s', d.defaclrole::regrole, coalesce(s.nspname, 'every schema')), a.grantee,
    d.defaclobjtype::text, a.privilege_type, a.is_grantable
  from pg_default_acl d
  left join schema s on s.oid = d.defaclnamespace
  cross join aclexplode(d.defaclacl) a
  where d.defaclnamespace = 0 or s.oid is not null
),
role as (
  select distinct oid from (
    select grantee as oid from grants where grantee <> 0
    union all select relowner from relation
    union all select nspowner from schema
    union all select proowner from pg_proc p join schema s on s.oid = p.pronamespace
  ) named
)
select 'relation ' || shown_name as name,
  format('kind %s, rows secured %s, forced %s, logged %s, options %s',
    relkind, relrowsecurity, relforcerowsecurity, relpersistence, reloptions) as definition
from relation
union
select 'columns of ' || r.shown_name,
  format('%I %s%s default %s generated "%s%s" collation %s', a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attnotnull then ' not null' else '' end, coalesce(pg_get_expr(d.adbin, d.adrelid), 'none'),
    a.attgenerated, a.attidentity, a.attcollation::regcollation)
from relation r
join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
where r.relkind <> 'S'
union
select 'constraints of ' || r.shown_name,
  case when r.is_partition then '' else format('%I ', c.conname) end || pg_get_constraintdef(c.oid)
    || case when c.convalidated then '' else ' not validated' end
from relation r
join pg_constraint c on c.conrelid = r.oid and c.contype <> 'n'
union
select 'view ' || shown_name, pg_get_viewdef(oid) from relation where relkind in ('v', 'm')
union
select format('trigger %I on %s', t.tgname, r.shown_name),
  format('%s enabled %s', replace(pg_get_triggerdef(t.oid), r.own_name, r.shown_name), t.tgenabled)
from relation r
join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
union
select format('foreign key trigger of %s', r.shown_name), format('%s enabled %s', t.tgfoid::regprocedure, t.tgenabled)
from relation r
join pg_trigger t on t.tgrelid = r.oid and t.tgisinternal and t.tgenabled <> 'O'
union
select format('rule %I on %s', w.rulename, r.shown_name),
  format('%s enabled %s', replace(pg_get_ruledef(w.oid), r.own_name, r.shown_name), w.ev_enabled)
from relation r
join pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
union
select format('policy %I on %s', p.polname, r.shown_name),
  format('%s for %s to %s using %s check %s', p.polpermissive, p.polcmd, p.polroles::regrole[],
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from relation r
join pg_policy p on p.polrelid = r.oid
union
select format('function %s', p.oid::regprocedure),
  case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) else format('kind %s', p.prokind) end
from pg_proc p
join schema s on s.oid = p.pronamespace
union
select format('event trigger %I', evtname),
  format('%s %s enabled %s owned by %s', evtevent, evtfoid::regprocedure, evtenabled, evtowner::regrole)
from pg_event_trigger
union
select name, format('%s %s to %s%s', owned, privilege_type,
  case grantee when 0 then 'public' else grantee::regrole::text end,
  case when is_grantable then ' with grant option' else '' end)
from grants
union
select format('role %s', r.oid::regrole),
  format('superuser %s, bypasses row security %s, creates roles %s, creates databases %s, inherits %s, replicates %s',
    r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolinherit, r.rolreplication)
from pg_roles r
join role on role.oid = r.oid
union
select format('role %s', m.roleid::regrole), format('has the member %s%s', m.member::regrole,
  case when m.admin_option then ' as an administrator' else '' end)
from pg_auth_members m
join role on role.oid in (m.roleid, m.member)
union
select format('settings of %s', case setrole when 0 then 'every role' else setrole::regrole::text end),
  array_to_string(setconfig, ' ')
from pg_db_role_setting
where setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (setrole = 0 or setrole in (select oid from role))
`;
