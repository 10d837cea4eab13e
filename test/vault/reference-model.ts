import type { Satellite } from '../../src/vault/entity.ts';
import type { Registry } from '../../src/vault/registry.ts';
import type { VaultRow } from '../../src/vault/rows.ts';

export type Values = Readonly<Record<string, unknown>>;

/** The meaning of the vault as a simple model: in memory, row by row, without SQL. */
export interface ReferenceModel {
  /** The valid rows of a table, each once. */
  table(name: string): Values[];
  /** The state of a satellite at `applied`, as known at `known`. */
  asOf(satellite: string, applied: string, known: string): Values[];
  current(satellite: string): Values[];
  history(satellite: string, hash_key: string): Values[];
}

// Instants have one form and hashes are lower-case hex, so both compare as text.
const TIME_ORDER = ['applied_date', 'load_date', 'hash_diff'] as const;

export const createModel = (registry: Registry, given: readonly VaultRow[]): ReferenceModel => {
  const sound = given.filter(({ table, values }) => registry.entities.get(table)?.fault(values) === null);
  const table = (name: string): Values[] => {
    const { primary_key } = registry.entities.get(name)!;
    const rows = sound.filter((row) => row.table === name).map(({ values }) => values);
    return [...new Map(rows.map((values) => [key(values, primary_key), values])).values()];
  };
  /** The rows of a satellite in the order of time, by timeline. */
  const timelines = ({ table: name, hash_key, state_key, driving_key, parent }: Satellite, rows: Values[]) => {
    const link = new Map(sound.filter((row) => row.table === parent).map(({ values }) => [values[hash_key], values]));
    const order = [...TIME_ORDER, hash_key, ...registry.satellite(name).sub_key];
    return Map.groupBy(
      rows.toSorted((a, b) => compare(a, b, order)),
      (row) => (driving_key.length > 0 ? key(link.get(row[hash_key])!, driving_key) : key(row, state_key)),
    ).values();
  };
  /** The state after each row of a timeline: a link, a satellite row, all rows of a set, or nothing. */
  const statesOf = (satellite: Satellite, timeline: readonly Values[]): Values[][] => {
    const states: Values[][] = [];
    for (const row of timeline) {
      const [before] = states.at(-1) ?? [];
      const is_closing = satellite.flavour === 'effectivity' && row.is_effective === false;
      if (is_closing && before?.[satellite.hash_key] !== row[satellite.hash_key]) continue;
      const is_same_set =
        satellite.sub_key.length > 0 && before !== undefined && compare(before, row, TIME_ORDER) === 0;
      if (is_same_set) states.at(-1)!.push(row);
      else states.push(is_closing ? [{ applied_date: row.applied_date }] : [row]);
    }
    return states;
  };
  const inForce = (name: string, rows: Values[]): Values[] => {
    const satellite = registry.satellite(name);
    if (satellite.flavour === 'event') return rows;
    const last = [...timelines(satellite, rows)].flatMap((timeline) => statesOf(satellite, timeline).at(-1) ?? []);
    return last.filter((row) => row[satellite.hash_key] !== undefined);
  };
  return {
    table,
    asOf: (name, applied, known) =>
      inForce(
        name,
        table(name).filter((row) => String(row.applied_date) <= applied && String(row.load_date) <= known),
      ),
    current: (name) => inForce(name, table(name)),
    history: (name, hash_key) => {
      const satellite = registry.satellite(name);
      const found = [...timelines(satellite, table(name))].flatMap((timeline) => {
        const runs = statesOf(satellite, timeline).filter(
          ([state], at, states) =>
            key(state!, [satellite.hash_key, 'hash_diff']) !==
            key(states[at - 1]?.[0] ?? {}, [satellite.hash_key, 'hash_diff']),
        );
        return runs.flatMap((rows, at) =>
          rows.map((row) => ({ ...row, load_end_date: runs[at + 1]?.[0]?.applied_date ?? null })),
        );
      });
      return found.filter((row) => (row as Values)[satellite.hash_key] === hash_key);
    },
  };
};

const key = (values: Values, columns: readonly string[]): string => JSON.stringify(columns.map((name) => values[name]));

const compare = (a: Values, b: Values, columns: readonly string[]): number => {
  for (const column of columns) {
    const [left, right] = [a[column] as string | number, b[column] as string | number];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
};
