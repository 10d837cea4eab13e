import type { Sql } from '../postgres/connect.ts';
import type { Entity } from './entity.ts';
import { findKeyConflicts, KEY_CONFLICT } from './key-conflicts.ts';
import { arrayLiteral, columnFromUnnest, parameterOf, type Writable, writableOf } from './literal.ts';
import { insertRefusals, type Refusal, refusal } from './load-error.ts';
import { createPartitions, type Partitions } from './partitions.ts';
import { recordedInsert } from './recorded-insert.ts';
import type { Registry } from './registry.ts';
import type { VaultRow } from './rows.ts';
import { inTransaction, type Transaction } from './transaction.ts';

export interface LoadResult {
  /** By table: the number of valid given rows, and of new rows. */
  readonly tables: Readonly<Record<string, { readonly given: number; readonly inserted: number }>>;
  /** Rows that went to ops.load_error instead. */
  readonly refused: number;
}

/** Writes rows of any mix of tables, in any order. Loading is idempotent and commutative. */
export type Load = (sql: Sql | Transaction, rows: readonly VaultRow[]) => Promise<LoadResult>;

export interface LoaderDeps {
  readonly registry: Registry;
  /** Milliseconds since the Unix epoch; stamps ops.load_error. */
  readonly now: () => number;
}

/**
 * A loader. It writes everything in the given transaction, or in one that it opens, one statement a table. A row goes to
 * ops.load_error, and never blocks the rows beside it, if it does not validate, belongs to no known table, or conflicts
 * with a different row under its key. PostgreSQL's errors (postgres.js `PostgresError`) reject the promise, and nothing
 * is written.
 */
export const createLoader = ({ registry, now }: LoaderDeps): Load => {
  const partitions = createPartitions();
  return async (sql, rows) => {
    const batch = sort(registry, rows);
    try {
      return await inTransaction(sql, (tx) => write(tx, batch, partitions, now));
    } catch (error) {
      // A partition may be missing, because retention drops old ones.
      partitions.forget();
      throw error;
    }
  };
};

interface Batch {
  readonly tables: ReadonlyMap<Entity, Writable[]>;
  readonly refusals: readonly Refusal[];
  /** The days of partitioned rows. */
  readonly days: ReadonlySet<string>;
}

const sort = (registry: Registry, rows: readonly VaultRow[]): Batch => {
  const tables = new Map<Entity, Writable[]>();
  const refusals: Refusal[] = [];
  const days = new Set<string>();
  for (const row of rows) {
    const entity = registry.entities.get(row.table);
    const fault = entity === undefined ? 'no such table' : entity.fault(row.values);
    if (entity === undefined || fault !== null) {
      refusals.push(refusal(row, fault ?? 'not valid'));
      continue;
    }
    try {
      const sound = writableOf(entity.columns, row.values);
      const table = tables.get(entity);
      if (table === undefined) tables.set(entity, [sound]);
      else table.push(sound);
      if (entity.partition !== null) days.add(String(row.values.load_date).slice(0, 10));
    } catch (error) {
      refusals.push(refusal(row, (error as Error).message));
    }
  }
  return { tables, refusals, days };
};

const write = async (
  tx: Transaction,
  { tables, refusals, days }: Batch,
  partitions: Partitions,
  now: () => number,
): Promise<LoadResult> => {
  await partitions.ensure(tx, days);
  // Concurrent loaders that lock tables and rows in one order wait for each other without a deadlock.
  const ordered = [...tables].toSorted(([a], [b]) => (a.name < b.name ? -1 : 1));
  const [results] = await Promise.all([
    Promise.all(ordered.map(([entity, rows]) => insert(tx, entity, rows))),
    insertRefusals(tx, refusals, now()),
  ]);
  const repeated = ordered.filter(([, rows], at) => results[at]! < rows.length);
  const conflicts = await Promise.all(
    repeated.map(async ([entity, rows]) =>
      (await findKeyConflicts(tx, entity, rows)).map((row) =>
        refusal({ table: entity.table, values: row }, KEY_CONFLICT),
      ),
    ),
  );
  await insertRefusals(tx, conflicts.flat(), now());
  return {
    tables: Object.fromEntries(
      ordered.map(([entity, rows], at) => [entity.table, { given: rows.length, inserted: results[at]! }]),
    ),
    refused: refusals.length + conflicts.flat().length,
  };
};

/** Inserts missing rows and resolves to their number. */
const insert = async (tx: Transaction, entity: Entity, rows: Writable[]): Promise<number> => {
  rows.sort(byKey(entity.primary_key));
  const literals = entity.columns.map((column) => arrayLiteral(column, rows));
  // The journal's batches define the new rows of partitioned tables.
  if (entity.partition !== null) return (await tx.unsafe(insertText(entity), literals, PREPARED)).count;
  const text = recordedInsert(entity, insertText(entity));
  const [recorded] = await tx.unsafe<[{ inserted: number }]>(text, literals, PREPARED);
  return recorded.inserted;
};

const PREPARED = { prepare: true };

/** Any total order of the keys is possible, if every loader has the same. */
const byKey =
  (names: readonly string[]) =>
  (a: Writable, b: Writable): number => {
    for (const name of names) {
      const [left, right] = [a[name] as string | number, b[name] as string | number];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };

const insertText = ({ name, columns }: Entity): string => `
  insert into ${name} (${columns.map((column) => column.name).join(', ')})
  select ${columns.map(columnFromUnnest).join(', ')}
  from unnest(${columns.map((column, at) => parameterOf(column, at + 1)).join(', ')})
    as given (${columns.map((column) => column.name).join(', ')})
  on conflict do nothing`;
