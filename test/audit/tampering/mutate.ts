import type { ColumnType } from '../../../src/vault/entity.ts';

/** Random integers from 0 to `bound` (exclusive), determined by the seed. */
export type Random = (bound: number) => number;

/** A small random generator (mulberry32), so that tamperings are reproducible. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
};

export const pick = <T>(random: Random, of: readonly T[]): T => of[random(of.length)]!;

/** A column's value as a parameter of type text, and the SQL that reads it back. */
export const sqlOf = (type: ColumnType, value: unknown, place: number): { sql: string; text: string | null } => {
  const casts: Partial<Record<ColumnType, string>> = {
    bytes: `decode($${place}::text, 'hex')`,
    instant: `$${place}::text::timestamptz`,
    json: `$${place}::text::jsonb`,
    decimal: `$${place}::text::numeric`,
    'text[]': `array(select jsonb_array_elements_text($${place}::text::jsonb))`,
  };
  const text = value === null ? null : type === 'json' || type === 'text[]' ? JSON.stringify(value) : String(value);
  return { sql: casts[type] ?? `$${place}::text::${type}`, text };
};

/** Another valid value of the column: the old one with one flipped bit, if its type has bits. */
export const mutate = (random: Random, type: ColumnType, value: unknown): unknown =>
  value === null ? MADE[type] : MUTATE[type](random, value as never);

export const MADE: Readonly<Record<ColumnType, unknown>> = {
  text: 'x',
  uuid: '00000000-0000-7000-8000-00000000000f',
  integer: 1,
  bigint: 1,
  decimal: '1',
  boolean: true,
  instant: '2026-11-21T10:00:00.000001Z',
  date: '2026-11-21',
  bytes: '01',
  json: { made: 1 },
  'text[]': ['x'],
};

const flipText = (random: Random, text: string): string => {
  if (text === '') return 'x';
  const at = random(text.length);
  const flipped = text.charCodeAt(at) ^ (1 << random(5));
  // Neither NUL nor half of a pair.
  const code = flipped < 0x20 || (flipped >= 0xd800 && flipped < 0xe000) ? 0x7e : flipped;
  const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
  return changed === text || changed.normalize('NFC') === text.normalize('NFC') ? `${text}x` : changed;
};

const flipHex = (random: Random, hex: string): string => {
  if (hex === '') return '01';
  const at = random(hex.length);
  const digit = (Number.parseInt(hex[at]!, 16) ^ (1 << random(4))).toString(16);
  return hex.slice(0, at) + digit + hex.slice(at + 1);
};

const flipJson = (random: Random, value: unknown): unknown => {
  if (Array.isArray(value)) {
    if (value.length === 0 || random(3) === 0) return [...value, random(100)];
    const at = random(value.length);
    return value.map((element, place) => (place === at ? flipJson(random, element) : (element as unknown)));
  }
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    if (names.length === 0 || random(3) === 0) return { ...value, tampered: random(100) };
    const name = pick(random, names);
    return { ...value, [name]: flipJson(random, (value as Record<string, unknown>)[name]) };
  }
  if (typeof value === 'number') return value ^ 1;
  if (typeof value === 'boolean') return !value;
  return typeof value === 'string' ? flipText(random, value) : 0;
};

const MUTATE: { readonly [T in ColumnType]: (random: Random, value: never) => unknown } = {
  text: (random, value: string) => flipText(random, value),
  uuid: (random, value: string) => value.slice(0, -12) + flipHex(random, value.slice(-12)),
  integer: (random, value: number) => value ^ (1 << random(30)),
  bigint: (random, value: number) => Number(BigInt(value) ^ (1n << BigInt(random(50)))),
  decimal: (random, value: string) =>
    value.includes('.') ? `${value}1` : String(BigInt(value) ^ (1n << BigInt(random(60)))),
  boolean: (_, value: boolean) => !value,
  instant: (random, value: string) => {
    const micros = BigInt(Date.parse(`${value.slice(0, 19)}Z`)) * 1_000n + BigInt(value.slice(20, 26));
    const moved = micros ^ (1n << BigInt(random(30)));
    return `${new Date(Number(moved / 1_000_000n) * 1_000).toISOString().slice(0, 19)}.${String(moved % 1_000_000n).padStart(6, '0')}Z`;
  },
  date: (random, value: string) =>
    new Date(Date.parse(`${value}T00:00:00Z`) + (1 + random(28)) * 86_400_000).toISOString().slice(0, 10),
  bytes: (random, value: string) => flipHex(random, value),
  json: (random, value: unknown) => flipJson(random, value),
  'text[]': (random, value: readonly string[]) =>
    value.length === 0 || random(2) === 0 ? [...value, 'x'] : value.slice(1),
};
