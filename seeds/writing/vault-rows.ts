import type { Knex } from 'knex';
import { recordedInsert } from '../../src/vault/recorded-insert.ts';

type Value = string | number | boolean | null | readonly string[] | Readonly<Record<string, unknown>>;

/** A column: the SQL type that a value is read as, and the function that encodes it for hashing. */
export const TYPES = {
  text: { sql: 'text', encoder: 'encode_text' },
  number: { sql: 'numeric', encoder: 'encode_number' },
  boolean: { sql: 'boolean', encoder: 'encode_boolean' },
  json: { sql: 'jsonb', encoder: 'encode_json' },
  'text[]': { sql: 'text[]', encoder: 'encode_text_array' },
} as const;

export type Columns = Readonly<Record<string, keyof typeof TYPES>>;

/** Load date of seeded facts. It is constant, so that seeding again finds the existing rows. */
export const LOAD_DATE = '2026-01-01T00:00:00Z';
/** From when seeded facts hold that have no date of their own. */
export const SINCE_EVER = '2020-01-01T00:00:00Z';

const RECORD_SOURCE = 'seed';

/** Writes hub rows with a business key of one text. */
export const insertHubs = async (
  knex: Knex,
  hub: { readonly table: string; readonly hash_key: string; readonly business_key: string },
  keys: readonly string[],
): Promise<void> => {
  const name = hub.table.replace(/^.*\./, '');
  const insert = `
    insert into ${hub.table} (${hub.hash_key}, load_date, ${hub.business_key}, record_source)
    select util.hash_hub('${name}', util.encode_text(key)), ?::timestamptz, key, ?
    from jsonb_array_elements_text(?::jsonb) as keys (key)
    on conflict do nothing`;
  const entity = { table: name, kind: 'hub', hash_key: hub.hash_key, primary_key: [hub.hash_key] } as const;
  await knex.raw(recordedInsert(entity, insert), [LOAD_DATE, RECORD_SOURCE, JSON.stringify(keys)]);
};

export interface SeedRow {
  /** From when it holds. */
  readonly applied_date: string;
  /** Load date; `LOAD_DATE` without it. */
  readonly load_date?: string;
  readonly [column: string]: Value | undefined;
}

export interface SeedSatellite {
  readonly table: string;
  readonly hash_key: string;
  /** SQL that gives the parent's hash key from a row's columns, named `row.…` */
  readonly parent: string;
  /** Columns that only `parent` needs. */
  readonly key_columns: Columns;
  readonly payload: Columns;
  /** Of a multi-active satellite: the column that distinguishes the rows of a set. */
  readonly sub_key?: string;
  /** Columns that came when rows existed. */
  readonly added?: readonly string[];
  /** True if each source has its own states. */
  readonly is_tracking?: boolean;
}

const primaryKeyOf = ({ hash_key, sub_key, is_tracking = false }: SeedSatellite): string[] => [
  hash_key,
  ...(is_tracking ? ['record_source'] : []),
  ...['applied_date', 'load_date', 'hash_diff'],
  ...(sub_key === undefined ? [] : [sub_key]),
];

/** Writes satellite rows; of a multi-active one whole sets. */
export const insertSatellites = async (
  knex: Knex,
  satellite: SeedSatellite,
  rows: readonly SeedRow[],
): Promise<void> => {
  const name = satellite.table.replace(/^.*\./, '');
  const columns = Object.keys(satellite.payload);
  const encode = (column: string): string => `util.${TYPES[satellite.payload[column]!].encoder}(row.${column})`;
  const added = satellite.added ?? [];
  const encoded = [
    ...columns
      .filter((column) => !added.includes(column))
      .toSorted()
      .map(encode),
    ...added
      .toSorted()
      .map(
        (column) =>
          `case when row.${column} is null then '' else 'c${column.length}:${column}' || ${encode(column)} end`,
      ),
  ];
  const diffed =
    satellite.sub_key === undefined
      ? encoded.join(', ')
      : `util.encode_array(array_agg(util.encode_array(array[${encoded.join(' || ')}])) over (
          partition by ${satellite.parent}, row.applied_date, row.load_date
          order by row.${satellite.sub_key}
          rows between unbounded preceding and unbounded following))`;
  const record = Object.entries({ ...satellite.key_columns, ...satellite.payload }).map(
    ([column, type]) => `${column} ${TYPES[type].sql}`,
  );
  const { hash_key } = satellite;
  const insert = `
    insert into ${satellite.table}
      (${[hash_key, 'load_date', 'applied_date', 'hash_diff', ...columns, 'record_source'].join(', ')})
    select ${satellite.parent}, coalesce(row.load_date, ?::timestamptz), row.applied_date,
      util.hash_diff('${name}', ${diffed}), ${columns.map((column) => `row.${column}`).join(', ')}, ?
    from jsonb_to_recordset(?::jsonb)
      as row (load_date timestamptz, applied_date timestamptz, ${record.join(', ')})
    on conflict do nothing`;
  await knex.raw(
    recordedInsert({ table: name, kind: 'satellite', hash_key, primary_key: primaryKeyOf(satellite) }, insert),
    [LOAD_DATE, RECORD_SOURCE, JSON.stringify(rows)],
  );
};
