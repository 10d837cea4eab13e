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

/** A batch under construction, prepared while PostgreSQL is busy with the one before. */
export interface Appending {
  /**
   * Adds rows as lines for PostgreSQL, because objects would cost more than the whole write. It checks nothing: rows must
   * come from a `RowBuilder` and be valid for `Entity.faultOfContent`.
   * @throws RangeError for an unknown table, or for one without partitions, because COPY records no changes
   */
  add(rows: readonly VaultRow[]): void;
  /**
   * Writes the batch in a transaction. Each refusal of PostgreSQL, also of one existing row, rejects the promise, and the
   * caller must roll back: `Load` then writes the rest.
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
            // A partition may be missing, because retention drops old ones.
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

/** Rows for one day of a table. */
interface Copy {
  readonly statement: string;
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  readonly text: string;
}

/**
 * The order of tables and keys is that of `Load`, so that concurrent writers never deadlock. Between tables it yields,
 * because a connection that waits for its next copy is idle.
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

/** Its name in `util.ensure_partitions`. */
const partitionOf = ({ name }: Entity, day: string): string => `${name}_p${day.replaceAll('-', '')}`;

const send = async (tx: Transaction, { statement, text }: Copy): Promise<void> => {
  const stream = await tx.unsafe(statement).writable();
  const copied = once(stream, 'finish');
  stream.end(text);
  await copied;
};
