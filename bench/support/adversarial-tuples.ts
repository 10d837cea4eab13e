import { hash } from 'node:crypto';
import type { ColumnType } from '../../src/vault/entity.ts';

/** A value with the type of its column. */
export interface Component {
  readonly type: ColumnType;
  readonly value: unknown;
}

export type Tuple = readonly Component[];

/** Random integers from 0 to `below` - 1, determined by the seed. */
export type Random = (below: number) => number;

// Mulberry32: random enough, and the same on every machine.
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
};

// Delimiters and null marks of other engines, the product's own tags and lengths, quotes, control characters.
const PLAIN = [
  ...['||', '^^', '|', ';', ',', ':', 'n0:', 't0:', 't1:a', 't3:', 'i1:0', 'b1:t', 'a0:', 'x2:00', 'j2:{}', 'd27:'],
  ...['\\', '\\\\', '\\x00', '\\0', '\\N', "'", '"', '{', '}', '[]', '{}', 'NULL', 'null', '0', '1', '-0', '00', '1e5'],
  ...[' ', '\t', '\n', '\r', '\u0001', '\u001f', '\u007f', 'a', 'b', 'A', 'true', 't', 'f', '%', '$1', '-1', '.5'],
];
// Canonically equivalent pairs, pairs that only look alike, astral and unassigned code points.
const FOREIGN = [
  ...[
    'é',
    'e\u0301',
    'Å',
    'A\u030a',
    '\u212b',
    'ﬁ',
    'fi',
    'ｆｉ',
    'а',
    'ı',
    'İ',
    'ß',
    'ẞ',
    'ss',
    '각',
    '\u1100\u1161\u11a8',
  ],
  ...[
    'q\u0307\u0323',
    'q\u0323\u0307',
    '\u0344',
    '\u0308\u0301',
    '𝒜',
    '😀',
    '👨\u200d👩\u200d👧',
    '\u{1d15e}',
    '\u{10ffff}',
  ],
  ...['\uffff', '\ue000', '\ufeff', '\u200b', '\u0080', '\u2028', '\u00a0', '\u0301', '\u3099', 'か\u3099', 'が'],
];

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;

const textOf = (random: Random, max_tokens: number): string => {
  let text = '';
  for (let tokens = random(max_tokens + 1); tokens > 0; tokens--)
    text += pick(random, random(3) === 0 ? FOREIGN : PLAIN);
  return text;
};

const digitsOf = (random: Random, max: number): string => {
  let digits = '';
  for (let count = 1 + random(max); count > 0; count--) digits += random(3) === 0 ? '0' : String(random(10));
  return digits;
};

const SAFE = 2 ** 53 - 1;
const integerOf = (random: Random): number =>
  pick(random, [0, -0, 1, -1, SAFE, -SAFE, SAFE - 1, random(1_000), -random(1_000), random(2 ** 32) * random(2 ** 21)]);

const decimalOf = (random: Random): string => {
  const sign = pick(random, ['', '', '-']);
  const max = pick(random, [1, 2, 3, 40, 300]);
  const fraction = pick(random, ['', '', '.0', '.000', `.${digitsOf(random, max)}`, `.${'0'.repeat(random(200))}1`]);
  return `${sign}${pick(random, ['0', '00', '01', digitsOf(random, max)])}${fraction}`;
};

const dayOf = (random: Random): string =>
  pick(random, [
    ...['0001-01-01', '9999-12-31', '1582-10-10', '1970-01-01', '2024-02-29', '1883-11-18', '2011-12-30'],
    `${String(1 + random(9_999)).padStart(4, '0')}-${String(1 + random(12)).padStart(2, '0')}-${String(1 + random(28)).padStart(2, '0')}`,
  ]);

const instantOf = (random: Random): string => {
  const two = (below: number): string => String(random(below)).padStart(2, '0');
  const time = pick(random, ['00:00:00', '23:59:59', `${two(24)}:${two(60)}:${two(60)}`]);
  const fraction = pick(random, ['', '.0', '.5', '.500', '.000001', '.999999', `.${digitsOf(random, 6).slice(0, 6)}`]);
  return `${dayOf(random)}T${time}${fraction}Z`;
};

const hexOf = (random: Random): string => {
  let hex = '';
  for (let bytes = random(12); bytes > 0; bytes--) hex += pick(random, ['00', '61', 'ff', '5c', '3a', '6e', '30']);
  return hex;
};

const jsonOf = (random: Random, depth: number): unknown => {
  switch (random(depth > 0 ? 7 : 5)) {
    case 0:
      return integerOf(random);
    case 1:
      return random(2) === 0;
    case 2:
      return null;
    case 5:
      return Array.from({ length: random(4) }, () => jsonOf(random, depth - 1));
    case 6:
      return Object.fromEntries(
        Array.from({ length: random(5) }, () => [textOf(random, 2), jsonOf(random, depth - 1)]),
      );
    default:
      return textOf(random, 2);
  }
};

const MAKERS: Readonly<Record<ColumnType, (random: Random) => unknown>> = {
  text: (random) => textOf(random, 4),
  uuid: (random) => `00000000-0000-7000-8000-00000000000${random(10)}`,
  integer: (random) => Math.trunc(integerOf(random) % 2 ** 31),
  bigint: integerOf,
  decimal: decimalOf,
  boolean: (random) => random(2) === 0,
  instant: instantOf,
  date: dayOf,
  bytes: hexOf,
  // The null of SQL differs from the null of JSON; only the former is empty.
  json: (random) => jsonOf(random, 3) ?? [null],
  'text[]': (random) => Array.from({ length: random(4) }, () => textOf(random, 2)),
};

const TYPES = Object.keys(MAKERS) as ColumnType[];
const text = (value: string | null): Component => ({ type: 'text', value });

const anyComponent = (random: Random): Component => {
  let type = pick(random, TYPES);
  // PostgreSQL needs twenty times as long for JSON as for other types.
  if (type === 'json' && random(3) > 0) type = 'text';
  return { type, value: random(8) === 0 ? null : MAKERS[type](random) };
};

/** One text, cut at other places, which a delimiter could not distinguish. */
const cut = (random: Random, whole: string): Tuple => {
  const parts: Component[] = [];
  const points = [...whole];
  while (parts.length < 4 && points.length > 0 && random(4) > 0) {
    parts.push(text(points.splice(0, random(points.length + 1)).join('')));
  }
  parts.push(text(points.join('')));
  return parts;
};

/** The same characters with other types, and as parts of lists and JSON. */
const disguise = (random: Random, whole: string): Tuple => {
  const faces: readonly Component[] = [
    text(whole),
    { type: 'text[]', value: [whole] },
    { type: 'text[]', value: [...whole].slice(0, 6) },
    { type: 'json', value: whole },
    { type: 'json', value: [whole] },
    { type: 'json', value: { [whole]: null } },
    { type: 'bytes', value: Buffer.from(whole).toString('hex') },
    text(`t${Buffer.byteLength(whole)}:${whole}`),
    text(JSON.stringify(whole)),
  ];
  return Array.from({ length: 1 + random(2) }, () => pick(random, faces));
};

const NOTHINGS: readonly Component[] = [
  ...[null, '', 'n0:', 'null', 'NULL', '^^', '\\N', '-1', ' '].map(text),
  { type: 'integer', value: null },
  { type: 'json', value: [null] },
  { type: 'text[]', value: [] },
  { type: 'text[]', value: [''] },
  { type: 'bytes', value: '' },
  { type: 'json', value: {} },
  { type: 'json', value: '' },
  { type: 'integer', value: 0 },
  { type: 'boolean', value: false },
];

/** The previous tuple, changed at one place. */
const twist = (random: Random, tuple: Tuple): Tuple => {
  const at = random(tuple.length);
  switch (random(5)) {
    case 0:
      return tuple.with(at, pick(random, NOTHINGS));
    case 1:
      return [...tuple.slice(0, at), pick(random, NOTHINGS), ...tuple.slice(at)];
    case 2:
      return tuple.toReversed();
    case 3:
      return tuple.map(({ type, value }) => ({
        type,
        value: type === 'text' && typeof value === 'string' ? value.normalize(pick(random, ['NFD', 'NFKC'])) : value,
      }));
    default:
      return tuple.with(at, anyComponent(random));
  }
};

/** Endless tuples of one to six components that are easily confused. */
export function* adversarialTuples(random: Random): Generator<Tuple, never> {
  let whole = textOf(random, 6);
  let before: Tuple = [text(whole)];
  for (;;) {
    if (random(6) === 0) whole = `${textOf(random, 5)}${digitsOf(random, 3)}`;
    const family = random(5);
    if (family === 0) before = cut(random, whole);
    else if (family === 1) before = disguise(random, whole);
    else if (family === 2) before = twist(random, before).slice(0, 6);
    else before = Array.from({ length: 2 + random(4) }, () => anyComponent(random));
    yield before;
  }
}

/**
 * 22 characters that are equal for two tuples exactly if their values are equal. They are computed without the encoding
 * under test.
 */
export const normalForm = (tuple: Tuple): string =>
  hash('sha1', JSON.stringify(tuple.map(normalComponent)), 'base64').slice(0, 22);

const normalComponent = ({ type, value }: Component): unknown => {
  if (value === null) return null;
  switch (type) {
    case 'text':
      return ['text', (value as string).normalize('NFC')];
    // By design a date and a UUID equal their texts.
    case 'uuid':
    case 'date':
      return ['text', value];
    case 'integer':
    case 'bigint':
    case 'decimal':
      return ['number', ...numberOf(String(value))];
    case 'instant': {
      const [seconds, fraction = ''] = (value as string).slice(0, -1).split('.');
      return ['instant', seconds, Number(fraction.padEnd(6, '0'))];
    }
    case 'json':
      return ['json', sorted(value)];
    case 'text[]':
      return ['list', (value as string[]).map((element) => element.normalize('NFC'))];
    default:
      return [type, value];
  }
};

/** Sign, integer part and fraction, each in normal form. */
const numberOf = (written: string): [is_negative: boolean, whole: string, fraction: string] => {
  const [whole = '', fraction = ''] = written.replace('-', '').split('.');
  const short = [BigInt(whole).toString(), fraction.replace(/0+$/, '')] as const;
  return [written.startsWith('-') && short.join('') !== '0', ...short];
};

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return ['list', ...value.map(sorted)];
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return [
    'members',
    ...Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  ];
};
