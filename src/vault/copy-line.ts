import type { ColumnType, Entity } from './entity.ts';

/** The form of an entity's rows in COPY's text format (manual, COPY, "Text Format"). */
export interface LineFormat {
  /** The columns in the order of a line's fields, for the statement. */
  readonly columns: string;
  /** A row as a line, without its end. `values` has every column. */
  line(values: Readonly<Record<string, unknown>>): string;
}

/** The columns of the primary key come first, so that sorted lines are sorted by key. */
export const lineFormatOf = ({ columns, primary_key }: Entity): LineFormat => {
  const keys = primary_key.map((key) => columns.find(({ name }) => name === key)!);
  const ordered = [...keys, ...columns.filter((column) => !keys.includes(column))];
  const fields = ordered.map(({ name, type }) => ({
    name,
    field: FIELDS[type] as (value: unknown) => string,
  }));
  return {
    columns: ordered.map(({ name }) => name).join(', '),
    line: (values) => {
      const texts = new Array<string>(fields.length);
      for (let at = 0; at < fields.length; at += 1) {
        const { name, field } = fields[at]!;
        const value = values[name];
        texts[at] = value === null ? '\\N' : field(value);
      }
      // Joined at once, because text that grows by fields is a tree of pieces that the garbage collector copies.
      return texts.join('\t');
    },
  };
};

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const ESCAPED = /[\\\t\n\r]/;
const EVERY_ESCAPED = /[\\\t\n\r]/g;

const escaped = (text: string): string =>
  ESCAPED.test(text) ? text.replace(EVERY_ESCAPED, (character) => ESCAPES[character]!) : text;
const asIs = (value: string): string => value;
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

const FIELDS: Readonly<Record<ColumnType, (value: never) => string>> = {
  text: escaped,
  uuid: asIs,
  integer: String,
  bigint: String,
  decimal: asIs,
  boolean: (value: boolean) => (value ? 't' : 'f'),
  instant: asIs,
  date: asIs,
  bytes: (value: string) => `\\\\x${value}`,
  json: (value: unknown) => escaped(JSON.stringify(value)),
  'text[]': (value: readonly string[]) => escaped(`{${value.map(quoted).join(',')}}`),
};
