import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Column, ColumnType, Entity } from './entity.ts';
import { createPartitions } from './partitions.ts';
import type { Registry } from './registry.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

/**
 * Writes rows that should all be new, faster than `Load`: measured, COPY straight into the partition of a day costs
 * PostgreSQL half of what an insert with `on conflict` does, which looks for each row first and logs it by itself.
 * It takes two steps, so that rows may be made ready while PostgreSQL is busy with others. The first checks nothing:
 * rows are as a `RowBuilder` makes them, and `Entity.faultOfContent` finds nothing wrong with them. Whatever PostgreSQL refuses in the
 * second, and be it one row that stands already, rejects its promise and leaves the transaction to be rolled back:
 * `Load` then takes in the rest.
 */
export type Append = (rows: readonly VaultRow[]) => Promise<(tx: Transaction) => Promise<void>>;

export const createAppend = (registry: Registry): Append => {
  const partitions = createPartitions();
  return async (rows) => {
    const copies = await prepareCopies(registry, rows);
    const days = new Set(copies.flatMap((copy) => copy.days));
    return async (tx) => {
      try {
        await partitions.ensure(tx, days);
        for (const copy of copies) await send(tx, copy);
      } catch (error) {
        // A partition may have gone: retention drops old ones.
        partitions.forget();
        throw error;
      }
    };
  };
};

/** Rows on their way into one table, or into one day of it. */
interface Copy {
  readonly target: string;
  readonly columns: string;
  /** The days (`YYYY-MM-DD`) whose partitions it needs. */
  readonly days: readonly string[];
  readonly text: string;
}

const send = async (tx: Transaction, { target, columns, text }: Copy): Promise<void> => {
  const stream = await tx.unsafe(`copy ${target} (${columns}) from stdin`).writable();
  const copied = once(stream, 'finish');
  stream.end(text);
  await copied;
};

// About half a millisecond of work.
const ROWS_AT_A_TIME = 200;

/** Now and then it lets others run: a connection that waits for its next copy idles. */
const prepareCopies = async (registry: Registry, rows: readonly VaultRow[]): Promise<Copy[]> => {
  const copies: Copy[] = [];
  for (const { entity, target, days, values } of sortedParts(registry, rows)) {
    const columns = entity.columns.map((column) => column.name).join(', ');
    let text = '';
    for (let at = 0; at < values.length; at += ROWS_AT_A_TIME) {
      text += copyText(entity.columns, values.slice(at, at + ROWS_AT_A_TIME));
      await setImmediate();
    }
    copies.push({ target, columns, days, text });
  }
  return copies;
};

type Values = Readonly<Record<string, unknown>>;

interface Part {
  readonly entity: Entity;
  /** The table, or its partition of a day. */
  readonly target: string;
  readonly days: readonly string[];
  readonly values: Values[];
}

/** In the order of tables and keys that `Load` has too, so that concurrent writers never wait in a circle. */
const sortedParts = (registry: Registry, rows: readonly VaultRow[]): Part[] => {
  const parts = new Map<string, Part>();
  for (const { table, values } of rows) {
    const entity = registry.entities.get(table);
    if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
    const days = entity.partition === null ? [] : [String(values.load_date).slice(0, 10)];
    const target = days.length === 0 ? entity.name : partitionOf(entity, days[0]!);
    const part = parts.get(target);
    if (part === undefined) parts.set(target, { entity, target, days, values: [values] });
    else part.values.push(values);
  }
  for (const { entity, values } of parts.values()) values.sort(byKey(entity.primary_key));
  return [...parts.values()].sort((a, b) =>
    a.entity.name === b.entity.name ? compare(a.target, b.target) : compare(a.entity.name, b.entity.name),
  );
};

/** As `util.ensure_partitions` names it. */
const partitionOf = ({ name }: Entity, day: string): string => `${name}_p${day.replaceAll('-', '')}`;

const compare = (a: string | number, b: string | number): number => (a === b ? 0 : a < b ? -1 : 1);

const byKey =
  (names: readonly string[]) =>
  (a: Values, b: Values): number => {
    for (const name of names) {
      const order = compare(a[name] as string, b[name] as string);
      if (order !== 0) return order;
    }
    return 0;
  };

/** The rows in the text format of COPY (manual, COPY, "Text Format"). */
const copyText = (columns: readonly Column[], rows: readonly Values[]): string => {
  const fields = columns.map(({ name, type }) => ({
    name,
    field: FIELDS[type] as (value: unknown) => string,
  }));
  let text = '';
  for (const row of rows) {
    let separator = '';
    for (const { name, field } of fields) {
      const value = row[name];
      text += separator + (value === null ? '\\N' : field(value));
      separator = '\t';
    }
    text += '\n';
  }
  return text;
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
