import { connect, type Sql } from '../../src/postgres/connect.ts';
import { COLUMN_TYPES, type ColumnType } from '../../src/vault/entity.ts';
import { ENCODERS, encodeArray, hashDiff, hashHub } from '../../src/vault/hash.ts';
import { arrayLiteral, columnFromUnnest, parameterOf, writableOf } from '../../src/vault/literal.ts';
import { adversarialTuples, createRandom, normalForm, type Tuple } from './adversarial-tuples.ts';

/** Settings of a session, by PostgreSQL's names. */
export type SessionSettings = Readonly<Record<(typeof SETTINGS)[number], string>>;

export interface TrialResult {
  readonly tuples: number;
  /** Tuples that differ from all previous ones. */
  readonly distinct_tuples: number;
  /** Different tuples with one hash, or equal tuples with two hashes. */
  readonly collisions: number;
  /** Tuples with a different hash in PostgreSQL. */
  readonly differences: number;
  /** Number of different combinations of settings. */
  readonly sessions: number;
  /** Values of lc_numeric in them: the locales that the server supports. */
  readonly lc_numeric: readonly string[];
  /** The first few tuples with a fault. */
  readonly examples: readonly Tuple[];
}

const SETTINGS = ['TimeZone', 'DateStyle', 'extra_float_digits', 'bytea_output', 'lc_numeric'] as const;
const TIME_ZONES = [
  'UTC',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Pacific/Apia',
  'Africa/Monrovia',
  'Europe/Dublin',
  'Asia/Tehran',
  '-13:37',
];
const DATE_STYLES = ['ISO, MDY', 'German, DMY', 'SQL, MDY', 'Postgres, DMY', 'SQL, DMY', 'ISO, YMD', 'Postgres, MDY'];
const FLOAT_DIGITS = ['1', '-15', '3', '0', '-4'];
const BYTEA_OUTPUTS = ['hex', 'escape'];
// Locales with a decimal comma or other digits matter most; a machine may have none of them.
const LOCALES = [
  'C',
  'POSIX',
  'C.utf8',
  'de_DE.utf8',
  'fr_FR.utf8',
  'de_CH.utf8',
  'fa_IR.utf8',
  'ar_EG.utf8',
  'hi_IN.utf8',
];

// Large enough to make round trips negligible, small enough for two concurrent statements.
const TUPLES_A_STATEMENT = 4_000;
const CONNECTIONS = 2;
const EXAMPLES_KEPT = 5;

/** Settings of `count` sessions. The lengths of the lists share only the factor 2, so that hundreds are different. */
const sessionsOf = (count: number, locales: readonly string[]): SessionSettings[] =>
  Array.from({ length: count }, (_, at) => ({
    TimeZone: TIME_ZONES[at % TIME_ZONES.length]!,
    DateStyle: DATE_STYLES[at % DATE_STYLES.length]!,
    extra_float_digits: FLOAT_DIGITS[at % FLOAT_DIGITS.length]!,
    bytea_output: BYTEA_OUTPUTS[Math.floor(at / TIME_ZONES.length) % BYTEA_OUTPUTS.length]!,
    lc_numeric: locales[at % locales.length]!,
  }));

/**
 * Hashes adversarial tuples in TypeScript and in SQL, under `sessions` combinations of session settings, each with a
 * part of the tuples.
 * @param url a migrated database
 */
export const tryHashes = async (
  url: string,
  { tuples, seed, sessions }: { readonly tuples: number; readonly seed: number; readonly sessions: number },
): Promise<TrialResult> => {
  const source = adversarialTuples(createRandom(seed));
  const normal_of_hash = new Map<string, string>();
  const normals = new Set<string>();
  const examples: Tuple[] = [];
  const blame = (tuple: Tuple): void => {
    if (examples.length < EXAMPLES_KEPT) examples.push(tuple);
  };
  let [collisions, differences, done] = [0, 0, 0];
  const judge = (batch: readonly Tuple[], hashes: readonly string[], table: string): void => {
    for (const [at, tuple] of batch.entries()) {
      const normal = table + normalForm(tuple);
      const other = normal_of_hash.get(hashes[at]!);
      // A known hash for another tuple, or a new hash for a known tuple.
      if (other === undefined ? normals.has(normal) : other !== normal) {
        collisions += 1;
        blame(tuple);
      }
      normal_of_hash.set(hashes[at]!, normal);
      normals.add(normal);
    }
  };
  const pools = Array.from({ length: CONNECTIONS }, () =>
    connect(url, { max_connections: 1, statement_timeout_ms: 0 }),
  );
  try {
    const locales = await knownLocales(pools[0]!);
    const combinations = sessionsOf(sessions, locales);
    const queue = combinations.map((settings, at) => ({ settings, at }));
    const worker = async (sql: Sql): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const table = next.at % 2 === 0 ? 'x_h' : 'x_s';
        await adopt(sql, next.settings);
        // The shares add up to the total without a remainder.
        let share = Math.floor(((next.at + 1) * tuples) / sessions) - Math.floor((next.at * tuples) / sessions);
        while (share > 0) {
          const batch = Array.from({ length: Math.min(share, TUPLES_A_STATEMENT) }, () => source.next().value);
          share -= batch.length;
          const hashes = hashesInSql(sql, table, batch);
          const ours = batch.map((tuple) => hashOf(table, tuple));
          judge(batch, ours, table);
          const theirs = await hashes;
          done += theirs.length;
          for (const [at, hash] of theirs.entries()) {
            if (hash === ours[at]) continue;
            differences += 1;
            blame(batch[at]!);
          }
        }
      }
    };
    await Promise.all(pools.map(worker));
    const different = new Set(combinations.map((settings) => JSON.stringify(settings))).size;
    return {
      tuples: done,
      distinct_tuples: normals.size,
      collisions,
      differences,
      sessions: different,
      lc_numeric: locales,
      examples,
    };
  } finally {
    await Promise.all(pools.map((sql) => sql.end()));
  }
};

/** The locales that this server supports. */
const knownLocales = async (sql: Sql): Promise<string[]> => {
  const known: string[] = [];
  for (const locale of LOCALES) {
    const is_known = await sql`select set_config('lc_numeric', ${locale}, false)`.then(
      () => true,
      () => false,
    );
    if (is_known) known.push(locale);
  }
  return known;
};

const adopt = async (sql: Sql, settings: SessionSettings): Promise<void> => {
  for (const [name, value] of Object.entries(settings)) await sql`select set_config(${name}, ${value}, false)`;
};

const hashOf = (table: string, tuple: Tuple): string => {
  const encoded = tuple.map(({ type, value }, at) => ENCODERS[type](value, `component ${at}`));
  return table.endsWith('_h') ? hashHub(table, encoded.join('')) : hashDiff(table, encodeArray(encoded));
};

const TYPES = Object.keys(COLUMN_TYPES) as ColumnType[];

const ENCODE: Readonly<Record<ColumnType, string>> = {
  text: 'util.encode_text',
  uuid: 'util.encode_uuid',
  integer: 'util.encode_number',
  bigint: 'util.encode_number',
  decimal: 'util.encode_number',
  boolean: 'util.encode_boolean',
  instant: 'util.encode_instant',
  date: 'util.encode_date',
  bytes: 'util.encode_bytes',
  json: 'util.encode_json',
  'text[]': 'util.encode_text_array',
};

const VALUE = {
  name: 'value',
  is_nullable: true,
  is_added: false,
  role: 'payload',
  privacy: 'internal',
  description: '',
} as const;

/** The components of each type as one relation, with their positions; they are sent like the loader's rows. */
const GIVEN = TYPES.map((type, place) => {
  const column = { ...VALUE, type };
  const parameter = (at: number, of: ColumnType) => parameterOf({ ...column, type: of }, 3 * place + at);
  return `select tuple, part, ${ENCODE[type]}(${columnFromUnnest(column)}) as encoded
    from unnest(${parameter(1, 'integer')}, ${parameter(2, 'integer')}, ${parameter(3, type)}) as g (tuple, part, value)`;
}).join('\n union all ');

const hashesInSql = async (sql: Sql, table: string, batch: readonly Tuple[]): Promise<string[]> => {
  const hash = table.endsWith('_h')
    ? `util.hash_hub('${table}', variadic encoded)`
    : `util.hash_diff('${table}', util.encode_array(encoded))`;
  const by_type = new Map(TYPES.map((type) => [type, [] as Record<string, unknown>[]]));
  for (const [tuple, components] of batch.entries()) {
    for (const [part, { type, value }] of components.entries()) {
      const columns = [{ ...VALUE, type }];
      by_type.get(type)!.push({ tuple, part, ...writableOf(columns, { value }) });
    }
  }
  const parameters = TYPES.flatMap((type) => {
    const rows = by_type.get(type)!;
    return [
      arrayLiteral({ name: 'tuple', type: 'integer' }, rows),
      arrayLiteral({ name: 'part', type: 'integer' }, rows),
      arrayLiteral({ name: 'value', type }, rows),
    ];
  });
  const [row] = await sql.unsafe<[{ hashes: string }]>(
    `select string_agg(encode(${hash}, 'hex'), ',' order by tuple) as hashes
     from (select tuple, array_agg(encoded order by part) as encoded from (${GIVEN}) given group by tuple) tuples`,
    parameters,
  );
  return row.hashes.split(',');
};
