import type { Sql } from '../postgres/connect.ts';
import { GHOST_KEY, type Satellite } from './entity.ts';
import { loadDatesText } from './load-dates.ts';
import type { Registry } from './registry.ts';
import type { SatelliteRows, SatelliteTable } from './rows.ts';
import type { Transaction } from './transaction.ts';

/** Keys to read: hash keys as lower-case hex. Without them every key but the ghost record is read. */
export interface KeyFilter {
  readonly hash_keys?: readonly string[];
}

export interface AsOf extends KeyFilter {
  /** Valid in the business at this instant: rows with `applied_date` up to it. */
  readonly applied: string;
  /** Known to the warehouse at this instant: rows with `load_date` up to it. */
  readonly known: string;
}

/**
 * Reads satellites. Rows come in the order of their keys, in the forms of `ColumnType`, from a pool made by
 * `connect` (its parsers give those forms). A multi-active satellite gives every row of the set that holds, an event
 * satellite every fact: facts replace nothing. An effectivity satellite gives the last opening of each relation in
 * force, a tracking satellite the latest row of each key and source.
 */
export interface Reader {
  /** The last row of each key, in the order of applied_date, load_date and hash_diff; applied_date may be in the future. */
  current<T extends SatelliteTable>(sql: Sql | Transaction, table: T, filter?: KeyFilter): Promise<SatelliteRows[T][]>;
  /** The row of each key that held at `applied` as known at `known`: once `known` has passed, the result never changes. */
  asOf<T extends SatelliteTable>(sql: Sql | Transaction, table: T, at: AsOf): Promise<SatelliteRows[T][]>;
  /**
   * All states of one key, the oldest first, runs of equal rows as one row. `load_end_date` is the start of the next
   * row, null for the last; it equals `applied_date` if a later row for the same instant replaced it. Of an effectivity
   * satellite: the times during which the relation was in force, ended by either partner.
   */
  history<T extends SatelliteTable>(
    sql: Sql | Transaction,
    table: T,
    hash_key: string,
  ): Promise<(SatelliteRows[T] & { load_end_date: string | null })[]>;
}

/** A reader for the registry's satellites. Its methods throw RangeError for an unknown satellite. */
export const createReader = (registry: Registry): Reader => ({
  current: async (sql, table, filter = {}) => {
    const satellite = registry.satellite(table);
    const text = inForceText(registry, satellite, filter, '');
    return [...(await sql.unsafe(text, parametersOf(filter, []), PREPARED))] as never;
  },
  asOf: async (sql, table, at) => {
    const satellite = registry.satellite(table);
    const condition = 'and s.applied_date <= $1::text::timestamptz and s.load_date <= $2::text::timestamptz';
    const parameters = parametersOf(at, [at.applied, at.known]);
    const text = inForceText(registry, satellite, at, condition);
    return [...(await sql.unsafe(text, parameters, PREPARED))] as never;
  },
  history: async (sql, table, hash_key) => {
    const satellite = registry.satellite(table);
    const text = satellite.partition === null ? historyText(registry, satellite) : datedHistoryText(satellite);
    return [...(await sql.unsafe(text, [hash_key], PREPARED))] as never;
  },
});

const PREPARED = { prepare: true };

const parametersOf = ({ hash_keys }: KeyFilter, first: readonly string[]): string[] =>
  hash_keys === undefined ? [...first] : [...first, `{${hash_keys.map((key) => `\\\\x${key}`).join(',')}}`];

/**
 * With keys: one descending probe of the primary key's index each. Without: one descending scan of it. A set of a
 * multi-active satellite is found by its head and then read whole.
 */
const inForceText = (registry: Registry, satellite: Satellite, { hash_keys }: KeyFilter, condition: string): string => {
  const { name, hash_key, columns, flavour, sub_key, state_key, partition } = satellite;
  const select = columns.map((column) => `s.${column.name}`).join(', ');
  const keys_parameter = `$${condition === '' ? 1 : 3}::text::bytea[]`;
  const among = hash_keys === undefined ? `<> decode('${GHOST_KEY}', 'hex')` : `= any(${keys_parameter})`;
  const order = 's.applied_date desc, s.load_date desc, s.hash_diff desc';
  if (flavour === 'event') {
    const by_dates = partition !== null && hash_keys !== undefined;
    const dates = `${loadDatesText(satellite, 'wanted')} from unnest(${keys_parameter}) wanted`;
    const at_dates = by_dates ? `and s.load_date in (${dates})` : '';
    return `
      select ${select}
      from ${name} s
      where s.${hash_key} ${among} ${at_dates} ${condition}
      order by s.${hash_key}, s.load_date`;
  }
  if (flavour === 'multi-active') {
    return `
      select ${select}
      from (
        select distinct on (s.${hash_key}) s.${hash_key}, s.applied_date, s.load_date, s.hash_diff
        from ${name} s
        where s.${hash_key} ${among} ${condition}
        order by s.${hash_key} desc, ${order}) head
      join ${name} s using (${hash_key}, applied_date, load_date, hash_diff)
      order by ${[hash_key, ...sub_key].map((column) => `s.${column}`).join(', ')}`;
  }
  if (flavour === 'effectivity') {
    return effectivityText(satellite, registry.link(satellite.parent).name, among, condition);
  }
  if (hash_keys === undefined || flavour === 'tracking') {
    const state = state_key.map((column) => `s.${column}`);
    return `
      select *
      from (
        select distinct on (${state.join(', ')}) ${select}
        from ${name} s
        where s.${hash_key} ${among} ${condition}
        order by ${state.join(' desc, ')} desc, ${order}) held
      order by ${state_key.join(', ')}`;
  }
  return `
    select held.*
    from (select distinct key from unnest(${keys_parameter}) key) wanted
    cross join lateral (
      select ${select}
      from ${name} s
      where s.${hash_key} = wanted.key ${condition}
      order by ${order}
      limit 1) held
    order by ${hash_key}`;
};

const historyText = (
  registry: Registry,
  { name, hash_key, columns, sub_key, parent, driving_key }: Satellite,
): string => {
  // Only this condition on the view of an effectivity satellite reaches the tables.
  const driven = driving_key.map(
    (key) => `and ${key} = (select ${key} from ${registry.link(parent).name} where ${hash_key} = decode($1, 'hex'))`,
  );
  return `
    select ${[...columns.map((each) => each.name), 'load_end_date'].join(', ')}
    from ${name}_history
    where ${hash_key} = decode($1::text, 'hex') ${driven.join(' ')}
    order by ${['applied_date', 'load_date', 'hash_diff', ...sub_key].join(', ')}`;
};

/** The same as the view of a partitioned satellite, which a condition on load_date cannot reach. */
const datedHistoryText = (satellite: Satellite): string => {
  const { name, hash_key, columns } = satellite;
  const names = columns.map((each) => each.name).join(', ');
  const in_order = 'order by applied_date, load_date, hash_diff';
  return `
    select ${names}, lead(applied_date) over (${in_order}) as load_end_date
    from (
      select ${names}, lag(hash_diff) over (${in_order}) as previous_diff
      from ${name}
      where ${hash_key} = decode($1::text, 'hex')
        and load_date in (${loadDatesText(satellite, `decode($1::text, 'hex')`)})) state
    where previous_diff is distinct from hash_diff
    ${in_order}`;
};

/** The last opening of each driving key, unless its relation was closed after it. */
const effectivityText = (
  { name, hash_key, columns, driving_key }: Satellite,
  link: string,
  among: string,
  condition: string,
): string => {
  const keys = driving_key.map((column) => `l.${column}`).join(', ');
  // A partner may have ended a relation of the requested keys, so the partners are read too.
  const partners = among.startsWith('=')
    ? `and (${keys}) in (select ${keys} from ${link} l where l.${hash_key} ${among})`
    : '';
  return `
    select ${columns.map((column) => `s.${column.name}`).join(', ')}
    from (
      select distinct on (${keys}) s.${hash_key}, s.applied_date, s.load_date, s.hash_diff
      from ${link} l
      join ${name} s using (${hash_key})
      where s.is_effective ${condition} ${partners}
      order by ${keys}, s.applied_date desc, s.load_date desc, s.hash_diff desc, s.${hash_key} desc) opened
    join ${name} s using (${hash_key}, applied_date, load_date, hash_diff)
    where s.${hash_key} ${among}
      and not exists (
        select
        from ${name} closing
        where closing.${hash_key} = s.${hash_key}
          and not closing.is_effective
          and (closing.applied_date, closing.load_date, closing.hash_diff) > (s.applied_date, s.load_date, s.hash_diff)
          ${condition.replaceAll('s.', 'closing.')})
    order by s.${hash_key}`;
};
