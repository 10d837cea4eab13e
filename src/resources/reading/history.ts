import type { Sql } from '../../postgres/connect.ts';
import { microInstant } from '../../vault/instant.ts';
import type { SatelliteTable } from '../../vault/rows.ts';
import type { ResourceModel } from '../declaration/model.ts';
import type { Columns, State } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { etagOf } from './etag.ts';
import { columnsOf, type RowVersion, type Stored } from './stored.ts';

/** A state in force from one instant until another. */
export interface PastState {
  readonly state: State;
  readonly applied_from: string;
  /** Null: it has no end yet. */
  readonly applied_until: string | null;
  /** The instant when it was recorded. */
  readonly recorded_at: string;
  readonly etag: string;
}

/** Bounds have six decimals, so that they compare as text. */
interface Interval {
  readonly from: string;
  readonly until: string | null;
  readonly version: RowVersion;
  readonly rows: readonly Columns[];
}

/**
 * Every state of a resource as known now, the oldest first: each row of any of its satellites begins a new one.
 * States that were replaced for their whole time are omitted.
 */
export const readHistory = async <Deps extends EngineDeps>(
  { sql, reader }: Pick<EngineDeps, 'sql' | 'reader'>,
  model: ResourceModel<Deps>,
  stored: Stored,
): Promise<PastState[]> => {
  const tables = new Map<string, readonly Interval[]>();
  for (const { satellite } of model.satellites) {
    const key = stored.keys.get(satellite.table)!;
    const rows = await reader.history(sql as Sql, satellite.table as SatelliteTable, key);
    tables.set(satellite.table, intervalsOf(rows as unknown as HistoryRow[], satellite.payload));
  }
  const heads = await readHeads(sql, model, stored);
  const starts = [...new Set([...tables.values()].flat().map(({ from }) => from))].toSorted();
  const first = tables.get(model.satellites[0]!.satellite.table)!;
  const states = starts
    .filter((at) => first.some((interval) => covers(interval, at)))
    .map((at) => stateAt(model, stored, { tables, heads }, at));
  return states.map((state, place) => ({ ...state, applied_until: states[place + 1]?.applied_from ?? null }));
};

interface Pasts {
  readonly tables: ReadonlyMap<string, readonly Interval[]>;
  /** By group of satellites with a set: each row of its first one, equal ones too, because sets belong to single rows. */
  readonly heads: ReadonlyMap<number, readonly { readonly from: string; readonly load_date: string }[]>;
}

const readHeads = async <Deps extends EngineDeps>(
  sql: Sql,
  { satellites }: ResourceModel<Deps>,
  { keys }: Stored,
): Promise<Pasts['heads']> => {
  const heads = new Map<number, { from: string; load_date: string }[]>();
  for (const { satellite, group } of satellites) {
    const has_set = satellites.some((each) => each.group === group && each.satellite.flavour === 'multi-active');
    if (heads.has(group) || !has_set || satellite.flavour === 'multi-active') continue;
    const rows = await sql.unsafe<{ applied_date: string; load_date: string }[]>(
      `select distinct on (applied_date) applied_date, load_date
       from ${satellite.name}
       where ${satellite.hash_key} = decode($1::text, 'hex')
       order by applied_date, load_date desc, hash_diff desc`,
      [keys.get(satellite.table)!],
      { prepare: true },
    );
    heads.set(
      group,
      rows.map(({ applied_date, load_date }) => ({ from: microInstant(applied_date), load_date })),
    );
  }
  return heads;
};

type HistoryRow = RowVersion & { readonly load_end_date: string | null } & Columns;

const intervalsOf = (rows: readonly HistoryRow[], payload: readonly { readonly name: string }[]): Interval[] => {
  const sets = Map.groupBy(rows, (row) => `${row.applied_date} ${row.load_date} ${row.hash_diff}`);
  return [...sets.values()]
    .map((set) => ({
      from: microInstant(set[0]!.applied_date),
      until: set[0]!.load_end_date === null ? null : microInstant(set[0]!.load_end_date),
      version: set[0]!,
      rows: set.map((row) => Object.fromEntries(payload.map(({ name }) => [name, row[name]]))),
    }))
    .filter(({ from, until }) => from !== until);
};

const covers = ({ from, until }: Interval, at: string): boolean => from <= at && (until === null || at < until);

const stateAt = <Deps extends EngineDeps>(
  model: ResourceModel<Deps>,
  { references }: Stored,
  { tables, heads }: Pasts,
  at: string,
): Omit<PastState, 'applied_until'> => {
  const versions = new Map<string, RowVersion>();
  const shape: Record<string, readonly Columns[]> = {};
  for (const { satellite, group } of model.satellites) {
    const interval = tables.get(satellite.table)!.find((each) => covers(each, at));
    const head = heads.get(group)?.findLast(({ from }) => from <= at);
    const is_alone =
      satellite.flavour === 'multi-active' &&
      head !== undefined &&
      (head.from !== interval?.from || head.load_date !== interval.version.load_date);
    shape[satellite.table] = interval === undefined || is_alone ? [] : interval.rows;
    if (interval !== undefined && !is_alone) versions.set(satellite.table, interval.version);
  }
  const first = versions.get(model.satellites[0]!.satellite.table)!;
  const rows = [...versions.values()];
  const applied_from = rows.find(({ applied_date }) => microInstant(applied_date) === at)!.applied_date;
  return {
    state: { columns: columnsOf(model.resource.shape, shape), applied_from, version: first.hash_diff },
    applied_from,
    recorded_at: rows
      .map(({ load_date }) => load_date)
      .toSorted()
      .at(-1)!,
    etag: etagOf(versions, references),
  };
};
