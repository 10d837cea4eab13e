import { createJournalLog, type JournalLog } from '../../src/audit/journal-leaves.ts';
import type { JournalLoaderDeps } from '../../src/jobs/load/load-journal.ts';
import { createAppend } from '../../src/vault/copy.ts';
import type { ColumnType, Entity } from '../../src/vault/entity.ts';
import { writableOf } from '../../src/vault/literal.ts';
import { createLoader, type Load } from '../../src/vault/load.ts';
import type { Registry } from '../../src/vault/registry.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import type { Transaction } from '../../src/vault/transaction.ts';

/**
 * Strategies to write the same rows in the same transactions: the product's own, the same without the audit log, and
 * two common alternatives.
 */
export type StrategyName = 'product' | 'unlogged' | 'row-by-row' | 'copy';

type Strategy = Pick<JournalLoaderDeps, 'append' | 'load' | 'journal_log'>;

/** Creates the functions that the journal's loader writes with. */
export const createStrategy = (name: StrategyName, registry: Registry): Strategy => {
  const product: Strategy = {
    append: createAppend(registry),
    load: createLoader({ registry, now: Date.now }),
    journal_log: createJournalLog(registry),
  };
  switch (name) {
    case 'product':
      return product;
    case 'unlogged':
      return { ...product, journal_log: NO_LOG };
    case 'row-by-row':
      return { ...product, ...withoutPreparation(createOther(registry, insertRowByRow)) };
    case 'copy':
      return { ...product, ...withoutPreparation(createOther(registry, copyAndInsert)) };
  }
};

const NO_LOG: JournalLog = {
  start: () => ({ add: () => {}, finish: () => ({ sequences: [], leaf_hashes: '' }) }),
  insert: async () => {},
  queue: async () => {},
};

const withoutPreparation = (load: Load): Pick<Strategy, 'append' | 'load'> => ({
  load,
  append: () => {
    const batch: VaultRow[] = [];
    return {
      add: (rows) => void batch.push(...rows),
      finish: async () => async (tx) => void (await load(tx, batch)),
    };
  },
});

type Values = Readonly<Record<string, unknown>>;
type Write = (tx: Transaction, entity: Entity, rows: readonly Values[]) => Promise<void>;

/** A loader with the checks, partitions and order of the product's, but with another way to write rows. */
const createOther = (registry: Registry, write: Write): Load => {
  const days_known = new Set<string>();
  return async (sql, rows) => {
    const tx = sql as Transaction;
    const by_table = soundRows(registry, rows);
    for (const day of new Set(rows.map(({ values }) => String(values.load_date).slice(0, 10)))) {
      if (!days_known.has(day)) await tx`select util.ensure_partitions(${day}::date, ${day}::date)`;
      days_known.add(day);
    }
    for (const [entity, values] of by_table) await write(tx, entity, values);
    return { tables: {}, refused: 0 };
  };
};

const soundRows = (registry: Registry, rows: readonly VaultRow[]): Map<Entity, Values[]> => {
  const tables = new Map<Entity, Values[]>();
  for (const { table, values } of rows) {
    const entity = registry.entities.get(table)!;
    const fault = entity.fault(values);
    if (fault !== null) throw new Error(`${table}: ${fault}`);
    const sound = writableOf(entity.columns, values);
    const others = tables.get(entity);
    if (others === undefined) tables.set(entity, [sound]);
    else others.push(sound);
  }
  for (const [{ primary_key }, values] of tables) values.sort(byKey(primary_key));
  return tables;
};

const byKey =
  (names: readonly string[]) =>
  (a: Values, b: Values): number => {
    const name = names.find((each) => a[each] !== b[each]);
    return name === undefined ? 0 : String(a[name]) < String(b[name]) ? -1 : 1;
  };

/** One prepared statement for each row, one after another. */
const insertRowByRow: Write = async (tx, { name, columns }, rows) => {
  const statement = `
    insert into ${name} (${columns.map((column) => column.name).join(', ')})
    values (${columns.map(({ type }, at) => `$${at + 1}::text::${TYPES[type]}`).join(', ')})
    on conflict do nothing`;
  for (const row of rows) {
    const values = columns.map(({ name, type }) => textOf(type, row[name]));
    await tx.unsafe(statement, values, { prepare: true });
  }
};

/** Copies rows into a temporary table and then inserts them, because COPY does not support `on conflict`. */
const copyAndInsert: Write = async (tx, { name, table, columns }, rows) => {
  const names = columns.map((column) => column.name).join(', ');
  const stage = `stage_${table}`;
  await tx.unsafe(`create temporary table if not exists ${stage} (like ${name}) on commit delete rows`);
  const copy = await tx.unsafe(`copy ${stage} (${names}) from stdin`).writable();
  const lines = rows.map((row) => columns.map(({ name, type }) => copyField(textOf(type, row[name]))).join('\t'));
  const done = Promise.withResolvers<void>();
  copy.once('error', done.reject).once('finish', done.resolve);
  copy.end(`${lines.join('\n')}\n`);
  await done.promise;
  await tx.unsafe(`insert into ${name} (${names}) select ${names} from ${stage} on conflict do nothing`, [], {
    prepare: true,
  });
};

const TYPES: Readonly<Record<ColumnType, string>> = {
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
  'text[]': 'text[]',
};

/** A value in PostgreSQL's notation. */
const textOf = (type: ColumnType, value: unknown): string | null => {
  if (value === null) return null;
  if (type === 'bytes') return `\\x${String(value)}`;
  if (type === 'text[]') return `{${(value as string[]).map((text) => JSON.stringify(text)).join(',')}}`;
  return String(value);
};

const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
};

const copyField = (text: string | null): string =>
  text === null ? '\\N' : text.replace(/[\\\t\n\r]/g, (character) => COPY_ESCAPES[character]!);
