import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { type LineFormat, lineFormatOf } from './copy-line.ts';
import type { Entity } from './entity.ts';
import { createPartitions } from './partitions.ts';
import type { Registry } from './registry.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

/**
 * Writes rows of partitioned tables that should all be new, faster than `Load`: measured, COPY straight into the partition of a day costs
 * PostgreSQL half of what an insert with `on conflict` does, which looks for each row first and logs it by itself.
 * Each call begins a batch.
 */
export type Append = () => Appending;

/** A batch on its way, made ready while PostgreSQL is busy with the one before. */
export interface Appending {
  /**
   * Takes rows in, as the lines that PostgreSQL will read: held as objects they would cost more than all of the writing.
   * It checks nothing: rows are as a `RowBuilder` makes them, and `Entity.faultOfContent` finds nothing wrong with them.
   * @throws RangeError when the vault has no such table, or one that is not partitioned: COPY records no changes
   */
  add(rows: readonly VaultRow[]): void;
  /**
   * The batch, to be written in a transaction. Each refusal of PostgreSQL, also of one row that exists already, rejects
   * the promise and leaves the transaction to be rolled back: `Load` then takes in the rest.
   */
  finish(): Promise<(tx: Transaction) => Promise<void>>;
}

export const createAppend = (registry: Registry): Append => {
  const partitions = createPartitions();
  const formats = new Map<string, LineFormat>();
  const formatOf = (entity: Entity): LineFormat => {
    const known = formats.get(entity.table);
    if (known !== undefined) return known;
    const format = lineFormatOf(entity);
    formats.set(entity.table, format);
    return format;
  };
  return () => {
    const tables = new Map<string, TableLines>();
    const linesOf = (table: string): TableLines => {
      const entity = registry.entities.get(table);
      if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
      if (entity.partition === null) throw new RangeError(`${table} is not partitioned: load its rows instead`);
      const made = { entity, format: formatOf(entity), by_day: new Map<string, string[]>() };
      tables.set(table, made);
      return made;
    };
    return {
      add: (rows) => {
        for (const { table, values } of rows) addLine(tables.get(table) ?? linesOf(table), values);
      },
      finish: async () => {
        const copies = await copiesOf(tables);
        const days = new Set(copies.map(({ day }) => day));
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
      },
    };
  };
};

interface TableLines {
  readonly entity: Entity;
  readonly format: LineFormat;
  readonly by_day: Map<string, string[]>;
}

const DAY_LENGTH = 10;

const addLine = ({ format, by_day }: TableLines, values: VaultRow['values']): void => {
  const day = (values.load_date as string).slice(0, DAY_LENGTH);
  const line = format.line(values);
  const lines = by_day.get(day);
  if (lines === undefined) by_day.set(day, [line]);
  else lines.push(line);
};

/** Rows on their way into one day of a table. */
interface Copy {
  readonly statement: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly text: string;
}

/**
 * In the order of tables and keys that `Load` has too, so that concurrent writers never wait in a circle. Between
 * tables it lets others run: a connection that waits for its next copy idles.
 */
const copiesOf = async (tables: ReadonlyMap<string, TableLines>): Promise<Copy[]> => {
  const copies: Copy[] = [];
  for (const { entity, format, by_day } of [...tables.values()].sort(byName)) {
    for (const [day, lines] of [...by_day].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const statement = `copy ${partitionOf(entity, day)} (${format.columns}) from stdin`;
      // Lines begin with their keys, and every entry of an index that goes to its end leaves its pages full.
      copies.push({ statement, day, text: `${lines.sort().join('\n')}\n` });
      await setImmediate();
    }
  }
  return copies;
};

const byName = (a: TableLines, b: TableLines): number => (a.entity.name < b.entity.name ? -1 : 1);

/** As `util.ensure_partitions` names it. */
const partitionOf = ({ name }: Entity, day: string): string => `${name}_p${day.replaceAll('-', '')}`;

const send = async (tx: Transaction, { statement, text }: Copy): Promise<void> => {
  const stream = await tx.unsafe(statement).writable();
  const copied = once(stream, 'finish');
  stream.end(text);
  await copied;
};
