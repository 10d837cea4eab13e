import { canonicalJson } from './canonical-json.ts';
import type { Column, ColumnType } from './entity.ts';

/**
 * Rows travel as one text parameter a column, in the notation of PostgreSQL's arrays (manual, section 8.15.6):
 * `{"a",NULL}`. A statement then has as many parameters as the table has columns, whatever the size of the batch.
 */
type Cell = (value: unknown, name: string) => string;

const QUOTABLE = /[\\"]/g;

const quoted = (text: string): string =>
  text.includes('"') || text.includes('\\') ? `"${text.replace(QUOTABLE, '\\$&')}"` : `"${text}"`;

// Digits, dashes, colons and letters need no quotes.
const plain: Cell = (value) => String(value === 0 ? 0 : value);
const textCell: Cell = (value) => quoted(value as string);

const CELLS: Readonly<Record<ColumnType, Cell>> = {
  text: textCell,
  uuid: plain,
  integer: plain,
  bigint: plain,
  decimal: plain,
  boolean: (value) => (value === true ? 't' : 'f'),
  instant: plain,
  date: plain,
  bytes: (value) => `\\\\x${value as string}`,
  json: (value, name) => quoted(canonicalJson(value, name)),
  'text[]': (value) => quoted(`{${(value as string[]).map(quoted).join(',')}}`),
};

/**
 * The elements that a row puts into its columns' array literals.
 * @throws TypeError or RangeError when a json value has no canonical form
 */
export const cellsOf = (columns: readonly Column[], values: Readonly<Record<string, unknown>>): string[] =>
  columns.map(({ name, type }) => {
    const value = values[name];
    return value === null ? 'NULL' : CELLS[type](value, name);
  });

/** The array literal of column `at` over all rows. */
export const arrayLiteral = (rows: readonly { readonly cells: readonly string[] }[], at: number): string => {
  let literal = '{';
  for (let row = 0; row < rows.length; row++) literal += (row === 0 ? '' : ',') + rows[row]!.cells[at]!;
  return `${literal}}`;
};

/** How a column is read out of `unnest`: array columns travel as text, since arrays of arrays must be rectangles. */
export const columnFromUnnest = ({ name, type }: Column): string =>
  type === 'text[]' ? `${name}::text[]` : name;

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
export const parameterOf = ({ type }: Column, number: number): string =>
  `$${number}::text::${ELEMENTS[type]}[]`;
