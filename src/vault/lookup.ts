import type { Sql } from '../postgres/connect.ts';
import { type Column, type Entity, GHOST_KEY, type Hub, type Link } from './entity.ts';
import { ENCODERS, hashHub, hashLink } from './hash.ts';
import { journalFamily } from './journal-family.ts';
import { loadDatesText } from './load-dates.ts';
import type { Registry } from './registry.ts';

/** A key in terms that people use. */
export interface NamedKey {
  /** By column, the business key's parts and the dependent key. */
  readonly business_key: Readonly<Record<string, unknown>>;
  readonly hash_key: string;
  /** By column, the hash keys of its hubs. */
  readonly hub_keys: Readonly<Record<string, string>>;
}

// The business key of the ghost record.
const UNKNOWN = 'unknown';

/** The columns by which people name a row of the entity, each with its table, in order. */
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
  const values = columns.map(({ column }, at) => partOf(column, parts[at]!));
  const business_key = Object.fromEntries(columns.map(({ column }, at) => [column.name, values[at]]));
  if (entity.kind === 'hub') {
    const hash_key = hubKey(entity, values);
    return { business_key, hash_key, hub_keys: { [entity.hash_key]: hash_key } };
  }
  const rest = [...values];
  const hub_keys = entity.hubs.map((related) => {
    const hub = registry.hub(related.table);
    return hubKey(hub, rest.splice(0, hub.business_key.length));
  });
  const { table, dependent_key, hubs } = entity;
  return {
    business_key,
    hash_key: hashLink(table, hub_keys, dependent_key === null ? '' : encoded([dependent_key], rest)),
    hub_keys: Object.fromEntries(hubs.map(({ column }, at) => [column, hub_keys[at]!])),
  };
};

const partOf = ({ type, name }: Column, text: string): unknown => {
  if (type !== 'integer' && type !== 'bigint') return text;
  if (!/^-?\d+$/.test(text)) throw new RangeError(`${name} must be a whole number, not ${text}`);
  return Number(text);
};

const hubKey = ({ table, business_key }: Hub, values: readonly unknown[]): string =>
  values.every((value) => value === UNKNOWN) ? GHOST_KEY : hashHub(table, encoded(business_key, values));

const encoded = (columns: readonly Column[], values: readonly unknown[]): string =>
  columns.map(({ name, type }, at) => ENCODERS[type](values[at], name)).join('');

/** The rows of a hub or link under a key with a load_date up to `known`: one, or none. */
export const findKeyRows = async (
  sql: Sql,
  registry: Registry,
  entity: Hub | Link,
  key: NamedKey,
  known: string,
): Promise<Record<string, unknown>[]> => {
  const { table, name, hash_key, columns } = entity;
  const family = journalFamily(registry);
  const of_journal = family?.tables.has(table) === true ? family : null;
  const at_dates = of_journal && `and load_date in (${loadDatesText(of_journal.satellite, `decode($3::text, 'hex')`)})`;
  const rows = await sql.unsafe<Record<string, unknown>[]>(
    `select ${columns.map((column) => column.name).join(', ')}
     from ${name}
     where ${hash_key} = decode($1::text, 'hex') and load_date <= $2::text::timestamptz ${at_dates ?? ''}
     order by load_date`,
    [key.hash_key, known, ...(of_journal === null ? [] : [key.hub_keys[of_journal.hub.hash_key]!])],
    { prepare: true },
  );
  return [...rows];
};

/**
 * True if the vault had loaded the rows under a key at `known`. Rows from the journal are older than their
 * load: with their load_date alone a past response could change.
 */
export const wasLoaded = async (
  sql: Sql,
  registry: Registry,
  { table }: Entity,
  key: NamedKey,
  known: string,
): Promise<boolean> => {
  const family = journalFamily(registry);
  if (family === null || !family.tables.has(table)) return true;
  const { hub, satellite } = family;
  const [late] = await sql.unsafe(
    `select 1
     from ${satellite.name} record
     cross join lateral (
       select loaded_at
       from ops.journal_batch
       where writer = record.journal_writer and first_sequence <= record.journal_sequence
       order by first_sequence desc
       limit 1) batch
     where record.${hub.hash_key} = decode($1::text, 'hex')
       and record.load_date in (${loadDatesText(family.satellite, `decode($1::text, 'hex')`)})
       and batch.loaded_at > $2::text::timestamptz`,
    [key.hub_keys[hub.hash_key]!, known],
    { prepare: true },
  );
  return late === undefined;
};
