import { canonicalJson } from '../core/canonical-json.ts';
import type { Column, ColumnType } from './entity.ts';

/**
 * Rows travel as one text parameter a column, in the notation of PostgreSQL's arrays (manual, section 8.15.6):
 * `{"a",NULL}`. A statement then has one parameter for each column, for a batch of any size.
 */
type Cell = (value: never) => string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them, arrays do not
const CONTROL = /[\u0000-\u001f]/;
const QUOTABLE = /[\\"]/g;

// JSON and arrays quote alike except for control characters, and JSON.stringify is five times as fast as a replacement.
const quoted = (text: string): string =>
  CONTROL.test(text) ? `"${text.replace(QUOTABLE, '\\$&')}"` : JSON.stringify(text);

// Digits, dashes, colons and letters need no quotes.
const plainText: Cell = (value: string) => value;
const number: Cell = (value: number) => (value === 0 ? '0' : String(value));

const CELLS: Readonly<Record<ColumnType, Cell>> = {
  text: quoted,
  uuid: plainText,
  integer: number,
  bigint: number,
  decimal: plainText,
  boolean: (value: boolean) => (value ? 't' : 'f'),
  instant: plainText,
  date: plainText,
  bytes: (value: string) => `\\\\x${value}`,
  json: quoted,
  'text[]': (value: readonly string[]) => (value.length === 0 ? '"{}"' : quoted(`{${value.map(quoted).join(',')}}`)),
};

/** A valid row. Values of json columns are JSON text. */
export type Writable = Readonly<Record<string, unknown>>;

/**
 * A row whose json columns are text.
 * @throws TypeError or RangeError when a json value has no canonical form
 */
export const writableOf = (columns: readonly Column[], values: Readonly<Record<string, unknown>>): Writable => {
  let writable: Record<string, unknown> | null = null;
  for (const { name, type } of columns) {
    if (type !== 'json' || values[name] === null) continue;
    writable ??= { ...values };
    writable[name] = canonicalJson(values[name], name);
  }
  return writable ?? values;
};

/** The array literal of a column over all rows. */
export const arrayLiteral = ({ name, type }: Pick<Column, 'name' | 'type'>, rows: readonly Writable[]): string => {
  const cell = CELLS[type] as (value: unknown) => string;
  let literal = '';
  for (const row of rows) {
    const value = row[name];
    literal += value === null ? ',NULL' : `,${cell(value)}`;
  }
  return `{${literal.slice(1)}}`;
};

/** SQL of a column of `unnest`: array columns travel as text, since arrays of arrays must be rectangles. */
export const columnFromUnnest = ({ name, type }: Column): string => (type === 'text[]' ? `${name}::text[]` : name);

const ELEMENTS: Readonly<Record<ColumnType, string>> = {
  text: 'text',
  uuid: 'uuid',
  integer: 'integer',
  bigint: 'bigint',
  decimal: 'numeric',
  boolean: 'boolean',
  instant: 'timestamptz',
  date: 'date',
  bytes: 'bytea',
  json: 'jsonb',
  'text[]': 'text',
};

/** Parameter `number` as the array of a column's values. */
export const parameterOf = ({ type }: Column, number: number): string => `$${number}::text::${ELEMENTS[type]}[]`;
