import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { isHash } from '../core/hex.ts';
import { isUuid } from '../core/ids.ts';
import type { ColumnType } from './entity.ts';

const HASH_PATTERN = '^[0-9a-f]{64}$';
const TEXT_PATTERN = '^[^\\u0000\\p{Cs}]*$';
const INSTANT = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z$/;
const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
// Days that every month has: only the few after them need a calendar.
const SAFE_DAY = '28';

/** True if `text` is a calendar day `YYYY-MM-DD` of the years 0001 to 9999. */
export const isDay = (text: string): boolean => DAY.test(text) && isOnCalendar(text);

/** True if `text` is an instant `YYYY-MM-DDTHH:MM:SS[.ffffff]Z` of the years 0001 to 9999. */
export const isVaultInstant = (text: string): boolean => INSTANT.test(text) && isOnCalendar(text);

const isOnCalendar = (text: string): boolean => {
  if (text.startsWith('0000')) return false;
  if (text.slice(8, 10) <= SAFE_DAY) return true;
  const day = text.slice(0, 10);
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
};

/** Like `RegExp.test`. Ajv distinguishes patterns by `toString`. */
interface Pattern {
  test(text: string): boolean;
  toString(): string;
}

/** The two patterns that most columns have, without a regular expression, which takes two to three times as long. */
const FAST_PATTERNS = Object.assign(
  (pattern: string, flags: string): Pattern => {
    if (pattern === HASH_PATTERN) return { test: isHash, toString: () => pattern };
    if (pattern === TEXT_PATTERN) return { test: isStorableText, toString: () => pattern };
    return new RegExp(pattern, flags);
  },
  { code: 'new RegExp' },
);

const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** A validator of rows with the vault's formats. It never changes its input. */
export const createRowAjv = (): Ajv2020 => {
  const ajv = new Ajv2020({
    allErrors: false,
    allowUnionTypes: true,
    strict: true,
    unicodeRegExp: true,
    code: { regExp: FAST_PATTERNS },
  });
  ajv.addVocabulary(['x-type', 'x-vault', 'x-privacy', 'x-added']);
  ajv.addFormat('instant', isVaultInstant);
  ajv.addFormat('day', isDay);
  ajv.addFormat('uuid', isUuid);
  return ajv;
};

/** A validator as a function that returns the faults in one line, or null. */
export const faultOf =
  (validate: ValidateFunction): ((row: unknown) => string | null) =>
  (row) => {
    if (validate(row)) return null;
    const [error] = validate.errors ?? [];
    if (error === undefined) return 'not valid';
    const where = error.instancePath === '' ? 'row' : error.instancePath.slice(1).replaceAll('/', '.');
    const { additionalProperty, allowedValues } = error.params as Record<string, unknown>;
    const what = additionalProperty ?? allowedValues;
    return `${where} ${error.message ?? 'is not valid'}${what === undefined ? '' : `: ${what}`}`;
  };

/**
 * Values that PostgreSQL or the hashing refuses. A column's schema must refuse them first: PostgreSQL's refusal
 * would take the whole batch with it.
 */
const POISON: Readonly<Record<ColumnType, readonly unknown[]>> = {
  text: ['a\0', '\ud800', '\udc00a', 'a'.repeat(100_000), 1],
  uuid: ['', 'a', '{00000000-0000-0000-0000-000000000000}', '00000000-0000-0000-0000-00000000000A'],
  integer: [2_147_483_648, -2_147_483_649, 1.5, '1'],
  bigint: [2 ** 53, -(2 ** 53), 1.5, '1'],
  decimal: ['', 'NaN', 'Infinity', '1e5', '+1', '.5', '1.', ' 1', `1${'0'.repeat(200)}`, 1],
  boolean: ['t', 1],
  instant: ['', 'infinity', '2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01', '0000-01-01T00:00:00Z'],
  date: ['', 'today', '2026-02-30', '0000-01-01', '2026-1-1'],
  bytes: ['a', 'AA', 'zz', '\\x00', 'a'.repeat(100_000)],
  json: [],
  'text[]': [[null], [1], ['a\0'], ['\ud800'], ['a'.repeat(100_000)], 'a'],
};

/** A value that a column's JSON Schema accepts and PostgreSQL refuses, in words; null if it accepts none. */
export const laxness = (ajv: Ajv2020, type: ColumnType, schema: object): string | null => {
  const validate = ajv.compile(schema);
  const let_through = POISON[type].find((value) => validate(value));
  return let_through === undefined
    ? null
    : `lets ${JSON.stringify(let_through).slice(0, 60)} through, which no ${type} is`;
};
