import type { Sql } from '../../postgres/connect.ts';
import type { SatelliteTable } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ResourceModel, SatelliteModel } from '../declaration/model.ts';
import type { Columns, Id, Related, Shape, State } from '../declaration/resource.ts';
import type { EngineDeps } from '../engine-deps.ts';
import { type AsOf, selectText } from './select-text.ts';
import { createParameters, type Parameters } from './statement.ts';

/** A satellite's row of a state. */
export interface RowVersion {
  readonly hash_diff: string;
  readonly applied_date: string;
  readonly load_date: string;
}

/** A resource as the vault has it. */
export interface Stored {
  readonly hash_key: string;
  readonly id: Id;
  readonly references: Related;
  readonly created_at: string;
  readonly state: State;
  /** By satellite: the key of its rows. */
  readonly keys: ReadonlyMap<string, string>;
  /** By satellite: the row in force; a satellite without one is missing. */
  readonly versions: ReadonlyMap<string, RowVersion>;
}

/** A selection of resources. @param conditions adds parameters, and returns conditions of SQL */
export interface Selection {
  readonly at: AsOf;
  readonly conditions: (parameters: Parameters) => readonly string[];
  readonly order?: string;
  readonly limit?: number;
  readonly offset?: number;
}

/** The last stated state; for a resource with its own dates, the one in force at the instant. */
export const latest = <Deps extends EngineDeps>({ resource }: ResourceModel<Deps>, now: string): AsOf => ({
  // States that follow each other within a millisecond are microseconds apart.
  applied: resource.effective_dated === undefined ? 'infinity' : now.replace(/(\.\d{3})Z$/, '$1999Z'),
  known: 'infinity',
});

type Row = Readonly<Record<string, unknown>>;

/** Resources in the requested order; two statements if one of their satellites has sets. */
export const readStored = async <Deps extends EngineDeps>(
  { reader }: Pick<EngineDeps, 'reader'>,
  sql: Sql | Transaction,
  model: ResourceModel<Deps>,
  { at, conditions, order, limit, offset }: Selection,
): Promise<Stored[]> => {
  const parameters = createParameters();
  const { columns, from } = selectText(model, parameters, at);
  const text = [
    `select ${columns}`,
    from,
    ...conditions(parameters).map((condition) => `and ${condition}`),
    ...(order === undefined ? [] : [`order by ${order}`]),
    ...(limit === undefined ? [] : [`limit ${limit}`]),
    ...(offset === undefined ? [] : [`offset ${offset}`]),
  ].join('\n');
  const rows = await sql.unsafe<Row[]>(text, parameters.values, { prepare: true });
  const sets = await readSets(reader, sql, model, at, rows);
  return rows.map((row) => storedOf(model, row, sets));
};

/** The number of resources in a selection, without its limit. */
export const countStored = async <Deps extends EngineDeps>(
  sql: Sql | Transaction,
  model: ResourceModel<Deps>,
  { at, conditions }: Pick<Selection, 'at' | 'conditions'>,
): Promise<number> => {
  const parameters = createParameters();
  const { from } = selectText(model, parameters, at);
  const text = ['select count(*) as total', from, ...conditions(parameters).map((each) => `and ${each}`)].join('\n');
  const [row] = await sql.unsafe<{ total: number }[]>(text, parameters.values, { prepare: true });
  return row!.total;
};

type Sets = ReadonlyMap<string, ReadonlyMap<string, readonly Columns[]>>;

/** The sets of multi-active satellites, by satellite and key. */
const readSets = async <Deps extends EngineDeps>(
  reader: EngineDeps['reader'],
  sql: Sql | Transaction,
  { satellites }: ResourceModel<Deps>,
  at: AsOf,
  rows: readonly Row[],
): Promise<Sets> => {
  const sets = new Map<string, ReadonlyMap<string, readonly Columns[]>>();
  for (const { satellite, alias } of satellites.filter((each) => each.satellite.flavour === 'multi-active')) {
    const hash_keys = rows
      .filter((row) => row[`${alias}.hash_diff`] !== null)
      .map((row) => String(row[`${alias}.key`]));
    const found = await reader.asOf(sql, satellite.table as SatelliteTable, { ...at, hash_keys });
    const by_key = Map.groupBy(found as unknown as Columns[], (row) => String(row[satellite.hash_key]));
    sets.set(satellite.table, by_key);
  }
  return sets;
};

const storedOf = <Deps extends EngineDeps>(model: ResourceModel<Deps>, row: Row, sets: Sets): Stored => {
  const { satellites, references, id, resource } = model;
  const versions = new Map<string, RowVersion>();
  const shape: Record<string, readonly Columns[]> = {};
  for (const each of satellites) {
    const { table } = each.satellite;
    const version = versionOf(each, row, versions, satellites);
    shape[table] = version === null ? [] : payloadsOf(each, row, sets);
    if (version !== null) versions.set(table, version);
  }
  const related = Object.fromEntries(references.map(({ name }) => [name, (row[`r.${name}`] ?? null) as string | null]));
  const first = versions.get(satellites[0]!.satellite.table)!;
  return {
    hash_key: String(row.hash_key),
    id: Object.fromEntries(id.map(({ name }) => [name, String(row[`i.${name}`])])),
    references: related,
    created_at: String(row.created_at),
    state: {
      columns: columnsOf(resource.shape, shape),
      applied_from: first.applied_date,
      version: first.hash_diff,
    },
    keys: new Map(satellites.map(({ satellite, alias }) => [satellite.table, String(row[`${alias}.key`])])),
    versions,
  };
};

/** A set belongs only to the row of its own write: a later row without a set has none. */
const versionOf = (
  { satellite, alias, group }: SatelliteModel,
  row: Row,
  versions: ReadonlyMap<string, RowVersion>,
  satellites: readonly SatelliteModel[],
): RowVersion | null => {
  if (row[`${alias}.hash_diff`] === null) return null;
  const version = {
    hash_diff: String(row[`${alias}.hash_diff`]),
    applied_date: String(row[`${alias}.applied_date`]),
    load_date: String(row[`${alias}.load_date`]),
  };
  const head = versions.get(satellites.find((each) => each.group === group)!.satellite.table);
  if (satellite.flavour !== 'multi-active' || head === undefined) return version;
  return head.applied_date === version.applied_date && head.load_date === version.load_date ? version : null;
};

const payloadsOf = ({ satellite, alias }: SatelliteModel, row: Row, sets: Sets): readonly Columns[] => {
  if (satellite.flavour === 'multi-active') return sets.get(satellite.table)?.get(String(row[`${alias}.key`])) ?? [];
  return [Object.fromEntries(satellite.payload.map(({ name }) => [name, row[`${alias}.${name}`]]))];
};

/** The columns of satellites side by side; of a set, those of its first row, and the set under the satellite's name. */
export const columnsOf = <Deps extends EngineDeps>(
  shape: ResourceModel<Deps>['resource']['shape'],
  rows: Shape,
): Columns => {
  if (shape !== undefined) return shape.read(rows);
  const columns: Record<string, unknown> = {};
  for (const payloads of Object.values(rows)) {
    for (const [name, value] of Object.entries(payloads[0] ?? {})) columns[name] ??= value;
  }
  return columns;
};
