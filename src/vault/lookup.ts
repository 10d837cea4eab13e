import type { Sql } from '../core/postgres.ts';
import { type Column, type Entity, GHOST_KEY, type Hub, type Link } from './entity.ts';
import { ENCODERS, hashHub, hashLink } from './hash.ts';
import { journalFamily } from './journal-family.ts';
import type { Registry } from './registry.ts';

/** A key as people name it. */
export interface NamedKey {
  /** By column, the business key's parts and the dependent key. */
  readonly business_key: Readonly<Record<string, unknown>>;
  readonly hash_key: string;
}

// The business key of the ghost record.
const UNKNOWN = 'unknown';

/** The columns by which people name a row of the entity, each with the table it stands in, in order. */
export const keyColumns = (registry: Registry, entity: Hub | Link): { table: string; column: Column }[] => {
  if (entity.kind === 'hub') return entity.business_key.map((column) => ({ table: entity.table, column }));
  const of_hubs = entity.hubs.flatMap(({ table }) => keyColumns(registry, registry.hub(table)));
  const { dependent_key } = entity;
  return dependent_key === null ? of_hubs : [...of_hubs, { table: entity.table, column: dependent_key }];
};

/**
 * The hash key of a hub or link row from the texts that name it; `unknown` names a hub's ghost record.
 * @param parts as many as `keyColumns` gives
 * @throws TypeError or RangeError naming the column when a part has no encoding
 */
export const keyOfParts = (registry: Registry, entity: Hub | Link, parts: readonly string[]): NamedKey => {
  const columns = keyColumns(registry, entity);
  const values = columns.map(({ column }, at) => valueOf(column, parts[at]!));
  return {
    business_key: Object.fromEntries(columns.map(({ column }, at) => [column.name, values[at]])),
    hash_key: entity.kind === 'hub' ? hubKey(entity, values) : linkKey(registry, entity, values),
  };
};

const valueOf = ({ type, name }: Column, text: string): unknown => {
  if (type !== 'integer' && type !== 'bigint') return text;
  if (!/^-?\d+$/.test(text)) throw new RangeError(`${name} must be a whole number, not ${text}`);
  return Number(text);
};

const hubKey = ({ table, business_key }: Hub, values: readonly unknown[]): string =>
  values.every((value) => value === UNKNOWN) ? GHOST_KEY : hashHub(table, encoded(business_key, values));

const linkKey = (registry: Registry, { table, hubs, dependent_key }: Link, values: readonly unknown[]) => {
  const rest = [...values];
  const hub_keys = hubs.map((related) => {
    const hub = registry.hub(related.table);
    return hubKey(hub, rest.splice(0, hub.business_key.length));
  });
  return hashLink(table, hub_keys, dependent_key === null ? '' : encoded([dependent_key], rest));
};

const encoded = (columns: readonly Column[], values: readonly unknown[]): string =>
  columns.map(({ name, type }, at) => ENCODERS[type](values[at], name)).join('');

/** The rows of a hub or link under a hash key that were made by `known`: one, or none. */
export const findKeyRows = async (
  sql: Sql,
  { name, hash_key, columns }: Hub | Link,
  key: string,
  known: string,
): Promise<Record<string, unknown>[]> => [
  ...(await sql.unsafe<Record<string, unknown>[]>(
    `select ${columns.map((column) => column.name).join(', ')}
     from ${name}
     where ${hash_key} = decode($1::text, 'hex') and load_date <= $2::text::timestamptz
     order by load_date`,
    [key, known],
    { prepare: true },
  )),
];

/**
 * Whether the vault knew at `known` what it holds under a key. Rows that come through the journal were made before
 * they were loaded: their load_date alone would let a past answer change.
 * @param hash_key of the entity's own key
 */
export const wasLoaded = async (
  sql: Sql,
  registry: Registry,
  entity: Entity,
  hash_key: string,
  known: string,
): Promise<boolean> => {
  const family = journalFamily(registry);
  if (family === null || !family.tables.has(entity.table)) return true;
  const { hub, satellite } = family;
  const [late] = await sql.unsafe(
    `select 1
     from ${entity.name} asked
     join ${satellite.name} said on said.${hub.hash_key} = asked.${hub.hash_key} and said.load_date = asked.load_date
     join ops.journal_batch b
       on b.writer = said.journal_writer
       and said.journal_sequence between b.first_sequence and b.last_sequence
     where asked.${entity.hash_key} = decode($1::text, 'hex')
       and b.loaded_at > $2::text::timestamptz
     limit 1`,
    [hash_key, known],
    { prepare: true },
  );
  return late === undefined;
};
