import { type Clock, instantOf } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { createChangeFeed, readFeedEnd } from '../vault/change-feed.ts';
import type { ChangePosition } from '../vault/change-page.ts';
import { arrayLiteral } from '../vault/literal.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';
import { type Assembled, assembleSnapshot } from './assemble-snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { PARTS, type PartName, type Parts } from './snapshot-parts.ts';

/**
 * Reads the snapshot from the vault, each time as of one moment: first everything, then only changes. Reads must not
 * overlap.
 * @returns the same object as before if nothing changed
 */
export type ReadSnapshot = () => Promise<Snapshot>;

// Beyond that, a full read costs no more than a lookup of each row.
const MAX_CHANGED_ROWS = 5_000;
const PAGE = 1_000;
// Changes of other tables are skipped; after a long absence there are many.
const MAX_PAGES = 20;

interface State extends Assembled {
  readonly position: ChangePosition;
}

export const createSnapshotSource = (deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly registry: Registry;
}): ReadSnapshot => {
  const { sql, clock, registry } = deps;
  const changedSince = createChangedSince(registry);
  let state: State | null = null;
  const read = async (tx: Transaction, before: State | null): Promise<State> => {
    const changed = before === null ? null : await changedSince(tx, before.position);
    const position = changed?.position ?? (await readFeedEnd(tx));
    const parts =
      before === null || changed === null
        ? await readAll(tx)
        : await readChanged(tx, registry, before.parts, changed.rows);
    if (parts === before?.parts) return { ...before, position };
    return { position, parts, snapshot: assembleSnapshot(instantOf(clock.now()), parts, before) };
  };
  return async () => {
    const before = state;
    state = (await sql.begin('isolation level repeatable read read only', (tx) => read(tx, before))) as State;
    return state.snapshot;
  };
};

const NAMES = Object.keys(PARTS) as PartName[];

interface Changed {
  readonly rows: readonly VaultRow[];
  readonly position: ChangePosition;
}

/** Rows of the snapshot's tables since a position; null if they are too many. */
const createChangedSince = (
  registry: Registry,
): ((tx: Transaction, position: ChangePosition) => Promise<Changed | null>) => {
  const readChanges = createChangeFeed(registry);
  const tables = [...new Set(NAMES.flatMap((name) => tablesOf(registry, name)))];
  return async (tx, from) => {
    const rows: VaultRow[] = [];
    let position = from;
    for (let page = 0; page < MAX_PAGES && rows.length < MAX_CHANGED_ROWS; page += 1) {
      const changes = await readChanges(tx, tables, position, PAGE);
      rows.push(...changes.rows);
      position = changes.position;
      if (!changes.has_more) return { rows, position };
    }
    return null;
  };
};

const tablesOf = (registry: Registry, name: PartName): string[] => [
  ...PARTS[name].tables,
  ...otherHubs(registry, name).map(({ table }) => table),
];

/** The hubs that a part reads by its link. */
const otherHubs = (
  registry: Registry,
  name: PartName,
): readonly { readonly table: string; readonly column: string }[] => {
  const { link, tables } = PARTS[name];
  return link === undefined ? [] : registry.link(link).hubs.filter(({ table }) => !tables.includes(table));
};

const readAll = async (tx: Transaction): Promise<Parts> => {
  const read = await Promise.all(NAMES.map(async (name) => [name, grouped<unknown>(await PARTS[name].read(tx, null))]));
  return Object.fromEntries(read) as Parts;
};

/** The parts with new values for the rows' keys; the same object if no key belongs to a part. */
const readChanged = async (
  tx: Transaction,
  registry: Registry,
  parts: Parts,
  rows: readonly VaultRow[],
): Promise<Parts> => {
  const changed: Partial<Record<PartName, ReadonlyMap<string, unknown>>> = {};
  for (const name of NAMES) {
    const keys = await changedKeys(tx, registry, name, rows);
    if (keys.size === 0) continue;
    const part = new Map<string, readonly unknown[]>(parts[name]);
    for (const key of keys) part.delete(key);
    for (const [key, values] of grouped<unknown>(await PARTS[name].read(tx, [...keys]))) part.set(key, values);
    changed[name] = part;
  }
  return Object.keys(changed).length === 0 ? parts : ({ ...parts, ...changed } as Parts);
};

const changedKeys = async (
  tx: Transaction,
  registry: Registry,
  name: PartName,
  rows: readonly VaultRow[],
): Promise<ReadonlySet<string>> => {
  const { key, tables, link } = PARTS[name];
  const keys = new Set(rows.filter(({ table }) => tables.includes(table)).map(({ values }) => String(values[key])));
  for (const hub of otherHubs(registry, name)) {
    const related = rows.filter(({ table }) => table === hub.table).map(({ values }) => ({ key: values[hub.column] }));
    if (related.length === 0) continue;
    const found = await tx.unsafe<{ key: string }[]>(
      `select ${key} as key from ${registry.link(link!).name} where ${hub.column} = any($1::text::bytea[])`,
      [arrayLiteral({ name: 'key', type: 'bytes' }, related)],
      { prepare: true },
    );
    for (const row of found) keys.add(row.key);
  }
  return keys;
};

const grouped = <T>(values: readonly (readonly [string, T])[]): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const [key, value] of values) {
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
};
