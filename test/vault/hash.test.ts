import assert from 'node:assert/strict';
import fc from 'fast-check';
import postgres from 'postgres';
import { tryHashes } from '../../bench/support/hash-trial.ts';
import type { ColumnType } from '../../src/vault/entity.ts';
import { ENCODERS, encodeArray, hashDiff, hashHub, hashLink } from '../../src/vault/hash.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const TUPLES_PER_SESSION = 400;
// A few seconds; `npm run bench -- hashing` tries a million.
const TRIAL = { tuples: 32_000, sessions: 32, seed: 7 };

const SESSIONS = [
  { TimeZone: 'UTC', DateStyle: 'ISO, MDY', extra_float_digits: '1', bytea_output: 'hex' },
  { TimeZone: 'Asia/Kathmandu', DateStyle: 'German, DMY', extra_float_digits: '-15', bytea_output: 'escape' },
  { TimeZone: 'America/St_Johns', DateStyle: 'SQL, MDY', extra_float_digits: '3', bytea_output: 'hex' },
  { TimeZone: 'Pacific/Apia', DateStyle: 'Postgres, DMY', extra_float_digits: '0', bytea_output: 'escape' },
];

const NASTY_TEXTS = [
  ...[
    '',
    '^^',
    '||',
    'n0:',
    't1:a',
    'a||b',
    't3:abct1:d',
    'i1:0',
    '\\',
    '\\\\',
    '\\x00',
    '\\0',
    '"',
    "'",
    '{}',
    '{a,b}',
  ],
  ...['NULL', 'null', ' ', ' a', 'a ', 'A', 'a', '\t', '\n', '\r\n', '\u0001', '\u001f', '\u007f', '\u0080', '\u2028'],
  ...['é', 'e\u0301', 'Å', 'Å', 'A\u030a', 'ﬁ', 'ｆｉ', 'а', 'ı', 'İ', 'ß', 'ẞ', '\u1100\u1161\u11a8', '각'],
  ...[
    'q\u0307\u0323',
    'q\u0323\u0307',
    '\u0344',
    '𝒜',
    '😀',
    '👨\u200d👩\u200d👧',
    '\u{1d15e}',
    '\u{10ffff}',
    '\uffff',
    '\ue000',
    '\ufeff',
  ],
];

const plainText = fc.string({
  unit: fc.constantFrom(...'ab0:|^\\"\'{}, tnixjé\u0301😀\ue000\uffff'.normalize('NFD')),
  maxLength: 12,
});
const text = fc.oneof(
  fc.constantFrom(...NASTY_TEXTS),
  plainText.filter((value) => value.isWellFormed()),
);
const safeInteger = fc.oneof(fc.constantFrom(0, -0, 1, -1, 2 ** 53 - 1, -(2 ** 53) + 1), fc.maxSafeInteger());
const digits = (max: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: max });
const decimal = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '0.0',
    '-0.000',
    '00',
    '1',
    '1.0',
    '01.10',
    '1e0'.slice(0, 1),
    `0.${'0'.repeat(300)}1`,
    '9'.repeat(300),
  ),
  fc
    .tuple(fc.constantFrom('', '-'), digits(40), digits(40), fc.boolean())
    .map(([sign, whole, fraction, isWhole]) => (isWhole ? `${sign}${whole}` : `${sign}${whole}.${fraction}`)),
);
const isoDate = fc
  .date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const instant = fc.oneof(
  fc.constantFrom(
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999Z',
    '1969-12-31T23:59:59.9Z',
    '2024-02-29T12:00:00Z',
  ),
  isoDate,
  fc.tuple(isoDate, digits(6)).map(([date, fraction]) => `${date.slice(0, 19)}.${fraction.slice(0, 6)}Z`),
);
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(text, safeInteger, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value;

const VALUES: Readonly<Record<ColumnType, fc.Arbitrary<unknown>>> = {
  text,
  uuid: fc.uuid(),
  integer: safeInteger,
  bigint: safeInteger,
  decimal,
  boolean: fc.boolean(),
  instant,
  date: isoDate.map((date) => date.slice(0, 10)),
  bytes: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  json,
  'text[]': fc.array(text, { maxLength: 4 }),
};

const SQL_ENCODERS: Readonly<Record<ColumnType, string>> = {
  text: `util.encode_text(value #>> '{}')`,
  uuid: `util.encode_uuid((value #>> '{}')::uuid)`,
  integer: `util.encode_number((value #>> '{}')::bigint)`,
  bigint: `util.encode_number((value #>> '{}')::bigint)`,
  decimal: `util.encode_number((value #>> '{}')::numeric)`,
  boolean: `util.encode_boolean((value #>> '{}')::boolean)`,
  instant: `util.encode_instant((value #>> '{}')::timestamptz)`,
  date: `util.encode_date((value #>> '{}')::date)`,
  bytes: `util.encode_bytes(decode(value #>> '{}', 'hex'))`,
  json: `util.encode_json(value)`,
  'text[]': `util.encode_text_array(case when value is null then null else array(
    select element from jsonb_array_elements_text(value) with ordinality e (element, place) order by place) end)`,
};

interface Component {
  readonly type: ColumnType;
  readonly value: unknown;
}

const TYPES = Object.keys(VALUES) as ColumnType[];
const component: fc.Arbitrary<Component> = fc.constantFrom(...TYPES).chain((type) =>
  // JSON's own null is a value of the json type, so an empty json column is left to the loader's tests.
  fc.record({
    type: fc.constant(type),
    value: type === 'json' ? VALUES.json.filter((v) => v !== null) : fc.option(VALUES[type]),
  }),
);
const tuple = fc.array(component, { maxLength: 5 });

const encoded = (components: readonly Component[]): string[] =>
  components.map(({ type, value }, at) => ENCODERS[type](value, `component ${at}`));

describe('the hash', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  for (const session of SESSIONS) {
    it(`is the same in TypeScript and SQL under ${Object.values(session).join(', ')}`, async () => {
      const sql = postgres(database.url, { max: 1, connection: session });
      try {
        const tuples = fc.sample(tuple, TUPLES_PER_SESSION);
        const given = tuples.flatMap((components, place) =>
          components.map(({ type, value }, at) => ({ tuple: place, at, type, value })),
        );
        const rows = await sql.unsafe<{ tuple: number; hub: string; diff: string; encoded: string[] }[]>(
          `with given as (
             select tuple, at, case type ${TYPES.map((type) => `when '${type}' then ${SQL_ENCODERS[type]}`).join(' ')} end as encoded
             from jsonb_to_recordset($1::text::jsonb) as g (tuple integer, at integer, type text, value jsonb)
           ), tuples as (
             select tuple, array_agg(encoded order by at) as encoded from given group by tuple
           )
           select tuple, encoded,
             encode(util.hash_hub('x_h', variadic encoded), 'hex') as hub,
             encode(util.hash_diff('x_s', util.encode_array(encoded)), 'hex') as diff
           from tuples`,
          [JSON.stringify(given.map((each) => ({ ...each, value: each.value === undefined ? null : each.value })))],
        );
        assert.ok(rows.length > TUPLES_PER_SESSION / 2);
        for (const row of rows) {
          const ours = encoded(tuples[row.tuple]!);
          assert.deepEqual(row.encoded, ours);
          assert.equal(row.hub, hashHub('x_h', ours.join('')));
          assert.equal(row.diff, hashDiff('x_s', encodeArray(ours)));
        }
      } finally {
        await sql.end();
      }
    });
  }

  it('is the same and free of collisions for confusable tuples, under 32 combinations of settings', async () => {
    const { distinct_tuples, ...result } = await tryHashes(database.url, TRIAL);
    assert.deepEqual(
      { ...result, lc_numeric: result.lc_numeric.includes('C') },
      {
        tuples: 32_000,
        sessions: 32,
        lc_numeric: true,
        collisions: 0,
        differences: 0,
        examples: [],
      },
    );
    assert.ok(distinct_tuples > TRIAL.tuples / 2 && distinct_tuples < TRIAL.tuples, `${distinct_tuples} distinct`);
  });

  it('is correct for a day that the time zone of the session has skipped', async () => {
    const [row] = await database.sql.begin(async (tx) => {
      await tx`set local time zone 'Pacific/Apia'`;
      return tx<{ encoded: string }[]>`select util.encode_date('2011-12-30') as encoded`;
    });
    assert.equal(row!.encoded, 't10:2011-12-30');
  });

  it('of a link is the same in TypeScript and SQL, with and without a dependent key', async () => {
    const keys = ['00'.repeat(32), 'ff'.repeat(32), hashHub('x_h', 't1:a')];
    const [row] = await database.sql<[{ plain: string; dependent: string }]>`
      select util.hash_link('x_l', variadic keys) as plain,
        util.hash_link_dependent('x_l', keys, util.encode_text('line 1')) as dependent
      from (select array(select decode(key, 'hex') from unnest(${keys}::text[]) with ordinality k (key, o) order by o)) k (keys)`;
    assert.equal(row.plain, hashLink('x_l', keys));
    assert.equal(row.dependent, hashLink('x_l', keys, ENCODERS.text('line 1', 'line')));
    assert.notEqual(hashLink('x_l', keys), hashLink('x_l', keys.toReversed()));
  });

  it('has different encodings for any two tuples, however their boundaries shift', () => {
    const pairs = fc.tuple(tuple, tuple);
    fc.assert(
      fc.property(pairs, ([left, right]) => {
        const same = JSON.stringify(left.map(normalForm)) === JSON.stringify(right.map(normalForm));
        assert.equal(encoded(left).join('') === encoded(right).join(''), same);
      }),
      { numRuns: 2_000 },
    );
    const moved = [
      ['A||B', 'C'],
      ['A', 'B||C'],
      ['A||B||C'],
      ['A||B||C', ''],
      ['', 'A||B||C'],
      ['t1:A', ''],
      ['A', 't0:'],
    ];
    const hashes = moved.map((parts) => hashHub('x_h', parts.map((part) => ENCODERS.text(part, 'part')).join('')));
    assert.equal(new Set(hashes).size, moved.length);
  });

  it('distinguishes null, the empty text and texts that look like them', () => {
    const values = [null, '', 'n0:', 'null', '^^', ' '].map((value) => ENCODERS.text(value, 'value'));
    assert.equal(new Set(values).size, values.length);
    assert.notEqual(ENCODERS.text('1', 'v'), ENCODERS.integer(1, 'v'));
    assert.notEqual(hashHub('a_h', ''), hashDiff('a_h', ''));
  });

  it('is the same for canonically equivalent texts, and different for similar ones', () => {
    assert.equal(ENCODERS.text('é', 'v'), ENCODERS.text('e\u0301', 'v'));
    assert.notEqual(ENCODERS.text('а', 'v'), ENCODERS.text('a', 'v'));
    assert.notEqual(ENCODERS.text('ﬁ', 'v'), ENCODERS.text('fi', 'v'));
  });

  it('refuses a value without an encoding, and names the field', () => {
    const refused: [ColumnType, unknown][] = [
      ...(['a\0', '\ud800', 'x\udc00', 1] as const).map((value): [ColumnType, unknown] => ['text', value]),
      ...[Number.NaN, Infinity, 2 ** 53, 0.5, '1', 1n].map((value): [ColumnType, unknown] => ['bigint', value]),
      ...['1e5', 'NaN', '', '.5', '1.', '+1', 1].map((value): [ColumnType, unknown] => ['decimal', value]),
      ...['2026-02-30T00:00:00Z', '2026-01-01T00:00:00+01:00', 'infinity', 0].map((v): [ColumnType, unknown] => [
        'instant',
        v,
      ]),
      ...[{ a: 0.5 }, { a: 2 ** 53 }, ['\ud800'], { 'a\0': 1 }, () => 1, new Date()].map((v): [ColumnType, unknown] => [
        'json',
        v,
      ]),
      ...([undefined] as const).flatMap((value) => TYPES.map((type): [ColumnType, unknown] => [type, value])),
    ];
    for (const [type, value] of refused) {
      assert.throws(
        () => ENCODERS[type](value, 'the_field'),
        (error) => (error instanceof TypeError || error instanceof RangeError) && error.message.includes('the_field'),
        `${type} ${String(value)}`,
      );
    }
    assert.throws(() => hashLink('x_l', ['abc']), RangeError);
  });

  it('refuses the same values in SQL and in TypeScript', async () => {
    const refused = [
      `util.encode_number('NaN')`,
      `util.encode_number('Infinity')`,
      `util.encode_instant('infinity')`,
      `util.encode_instant('0044-03-15 00:00:00+00 BC')`,
      `util.encode_instant('10000-01-01 00:00:00+00')`,
      `util.encode_date('-infinity')`,
      `util.encode_json('{"a": 0.5}')`,
      `util.encode_json('[9007199254740992]')`,
      `util.encode_array(array['t1:a', null])`,
    ];
    for (const expression of refused) {
      await assert.rejects(database.sql.unsafe(`select ${expression}`), { code: /22000|P0001/ }, expression);
    }
  });
});

/** The normal form, which is equal for equal values. */
const normalForm = ({ type, value }: Component): unknown => {
  if (value === null) return null;
  switch (type) {
    case 'text':
      return ['t', String(value).normalize('NFC')];
    case 'uuid':
    case 'date':
      return ['t', value];
    case 'integer':
    case 'bigint':
      return ['i', canonicalNumber(String(value))];
    case 'decimal':
      return ['i', canonicalNumber(String(value))];
    case 'instant':
      return ['d', `${String(value).slice(0, 19)}.${String(value).slice(20, -1).padEnd(6, '0')}`];
    case 'json':
      return ['j', ENCODERS.json(value, 'json')];
    case 'text[]':
      return ['a', (value as string[]).map((element) => element.normalize('NFC'))];
    default:
      return [type, value];
  }
};

const canonicalNumber = (number: string): string => {
  const [whole = '', fraction = ''] = number.replace('-', '').split('.');
  const short = `${BigInt(whole)}.${fraction.replace(/0+$/, '')}`;
  return number.startsWith('-') && short !== '0.' ? `-${short}` : short;
};
