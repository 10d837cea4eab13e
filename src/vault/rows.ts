import type { Column, Entity, Satellite } from './entity.ts';
import { ENCODERS, encodeArray, encodeColumnName, hashDiff, hashHub, hashLink } from './hash.ts';
import type { Registry } from './registry.ts';
import type { HashKeys, HubRows, LinkRows, SatelliteRows } from './rows.generated.ts';

export type { HashKeys, HubRows, LinkRows, SatelliteRows };

export type HubTable = keyof HubRows;
export type LinkTable = keyof LinkRows;
export type SatelliteTable = keyof SatelliteRows;

type Rows = HubRows & LinkRows & SatelliteRows;
type StandardColumn = 'load_date' | 'applied_date' | 'hash_diff' | 'record_source';

/** Content of a row without its hash key and the standard columns: a business key, hub keys, a payload. */
export type Content<T extends keyof Rows> = Omit<Rows[T], HashKeys[T] | StandardColumn>;

/** Instants and source of a row. */
export interface Stamp {
  /** Instant of the record's creation, from the record: ISO 8601, UTC, `Z`. A replay has the same one. */
  readonly load_date: string;
  /** Instant from which the row is true in the business; not used for hubs and links. */
  readonly applied_date: string;
  /** The part of the product or the external source that states it, at most 100 characters. */
  readonly record_source: string;
}

/** A row for a table. `values` has every column of the table. */
export interface VaultRow {
  readonly table: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Builds rows from business terms: it computes the hashes and adds the standard columns. */
export interface RowBuilder {
  /** The hash key of a business key. */
  hubKey<T extends HubTable>(table: T, key: Content<T>): string;
  /** The hash key of a link between hubs, given by their hash keys. */
  linkKey<T extends LinkTable>(table: T, hubs: Content<T>): string;
  /** The hash diff of a payload, of a satellite that is not multi-active. */
  diff<T extends SatelliteTable>(table: T, payload: Content<T>): string;
  hub<T extends HubTable>(table: T, key: Content<T>, stamp: Stamp): VaultRow;
  link<T extends LinkTable>(table: T, hubs: Content<T>, stamp: Stamp): VaultRow;
  /** @param parent_key the hash key of the hub or link that the row describes */
  satellite<T extends SatelliteTable>(table: T, parent_key: string, payload: Content<T>, stamp: Stamp): VaultRow;
  /**
   * The rows of one set of a multi-active satellite; each carries the hash diff of the whole set.
   * @throws RangeError when the set is empty, two rows have one sub key, or one is invalid, because a set is complete
   */
  satelliteSet<T extends SatelliteTable>(
    table: T,
    parent_key: string,
    payloads: readonly Content<T>[],
    stamp: Stamp,
  ): VaultRow[];
}

type Values = Readonly<Record<string, unknown>>;

/**
 * A builder for the registry's entities. Every method throws TypeError or RangeError naming the column when a
 * value has no encoding, and RangeError for an unknown table.
 */
export const createRowBuilder = (registry: Registry): RowBuilder => {
  const hubKey = (table: string, key: Values): string =>
    hashHub(table, encodeColumns(registry.hub(table).business_key, key));
  const linkKey = (table: string, content: Values): string => {
    const { hubs, dependent_key } = registry.link(table);
    const hub_keys = hubs.map(({ column }) => String(content[column]));
    return hashLink(table, hub_keys, dependent_key === null ? '' : encodeColumns([dependent_key], content));
  };
  const diff = (table: string, payload: Values): string =>
    hashDiff(table, encodeColumns(registry.satellite(table).payload, payload));
  return {
    hubKey,
    linkKey,
    diff,
    hub: (table, key, stamp) => keyedRow(registry.hub(table), hubKey(table, key), key, stamp),
    link: (table, hubs, stamp) => keyedRow(registry.link(table), linkKey(table, hubs), hubs, stamp),
    satellite: (table, parent_key, payload, stamp) => {
      const satellite = registry.satellite(table);
      if (satellite.flavour === 'multi-active') throw new RangeError(`${table} is multi-active: use satelliteSet`);
      return satelliteRow(satellite, parent_key, diff(table, payload), payload, stamp);
    },
    satelliteSet: (table, parent_key, payloads, stamp) => {
      const satellite = registry.satellite(table);
      const set = diffOfSet(satellite, payloads);
      const made = payloads.map((payload) => satelliteRow(satellite, parent_key, set, payload, stamp));
      refuseUnsoundSet(satellite, made);
      return made;
    },
  };
};

const encodeColumns = (columns: readonly Column[], values: Values): string => {
  let encoded = '';
  for (const { name, type, is_added } of columns) {
    if (is_added && values[name] === null) continue;
    encoded += `${is_added ? encodeColumnName(name) : ''}${ENCODERS[type](values[name], name)}`;
  }
  return encoded;
};

const keyedRow = (entity: Entity, key: string, content: Values, stamp: Stamp): VaultRow => ({
  table: entity.table,
  values: {
    [entity.hash_key]: key,
    load_date: stamp.load_date,
    ...content,
    record_source: stamp.record_source,
  },
});

const satelliteRow = (
  satellite: Satellite,
  parent_key: string,
  hash_diff: string,
  payload: Values,
  { load_date, applied_date, record_source }: Stamp,
): VaultRow => ({
  table: satellite.table,
  values: { [satellite.hash_key]: parent_key, load_date, applied_date, hash_diff, ...payload, record_source },
});

const refuseUnsoundSet = ({ table, sub_key, fault }: Satellite, set: readonly VaultRow[]): void => {
  // The set before would stay in force, because no row replaces it.
  if (set.length === 0) throw new RangeError(`${table}: a set has at least one row`);
  const places = new Set(set.map(({ values }) => sub_key.map((name) => String(values[name])).join(',')));
  if (places.size < set.length) throw new RangeError(`${table}: two rows of a set have one ${sub_key.join(', ')}`);
  for (const { values } of set) {
    const wrong = fault(values);
    if (wrong !== null) throw new RangeError(`${table}: ${wrong}`);
  }
};

const diffOfSet = ({ table, sub_key, payload }: Satellite, payloads: readonly Values[]): string => {
  const ordered = payloads.toSorted((a, b) => {
    for (const name of sub_key) {
      const order = Number(a[name]) - Number(b[name]);
      if (order !== 0) return order;
    }
    return 0;
  });
  return hashDiff(table, encodeArray(ordered.map((row) => encodeArray([encodeColumns(payload, row)]))));
};
