import type { Sql } from '../postgres/connect.ts';
import type { Hub, Link } from './entity.ts';
import { journalFamily } from './journal-family.ts';
import { loadDatesText } from './load-dates.ts';
import type { NamedKey } from './lookup.ts';
import type { Registry } from './registry.ts';

/**
 * The business keys of the hub rows related to a key: for a link's key, of its own hubs; for a hub's key, of links that
 * begin with its hub, because a link is about its first hub. So a call has its customer, but a model does not have the
 * customers of all of its calls.
 * @param related a hub with a business key of one text
 */
export const relatedKeys = async (
  sql: Sql,
  registry: Registry,
  keyed: Hub | Link,
  key: NamedKey,
  related: Hub,
): Promise<string[]> => {
  const own = key.hub_keys[related.hash_key];
  const sources = own === undefined ? linksOf(registry, keyed, related) : [];
  const found = await Promise.all(
    own === undefined
      ? sources.map((link) => throughLink(sql, registry, link, key, related))
      : [byKey(sql, related, own)],
  );
  return [...new Set(found.flat())].toSorted();
};

const linksOf = (registry: Registry, keyed: Hub | Link, related: Hub): Link[] =>
  [...registry.entities.values()].filter(
    (entity): entity is Link =>
      entity.kind === 'link' &&
      entity.hubs[0]!.table === keyed.table &&
      entity.hubs.some(({ table }) => table === related.table),
  );

const byKey = async (sql: Sql, hub: Hub, hash_key: string): Promise<string[]> => {
  const rows = await sql.unsafe<{ key: string }[]>(
    `select ${hub.business_key[0]!.name} as key
     from ${hub.name}
     where ${hub.hash_key} = decode($1::text, 'hex')
       and record_source <> 'ghost'`,
    [hash_key],
    { prepare: true },
  );
  return rows.map((row) => row.key);
};

const throughLink = async (
  sql: Sql,
  registry: Registry,
  link: Link,
  key: NamedKey,
  related: Hub,
): Promise<string[]> => {
  const { table, column } = link.hubs[0]!;
  const family = journalFamily(registry);
  const at_dates =
    family?.tables.has(link.table) === true && family.hub.table === table
      ? `and l.load_date in (${loadDatesText(family.satellite, `decode($1::text, 'hex')`)})`
      : '';
  const rows = await sql.unsafe<{ key: string }[]>(
    `select distinct h.${related.business_key[0]!.name} as key
     from ${link.name} l
     join ${related.name} h using (${related.hash_key})
     where l.${column} = decode($1::text, 'hex')
       and h.record_source <> 'ghost' ${at_dates}`,
    [key.hash_key],
    { prepare: true },
  );
  return rows.map((row) => row.key);
};
