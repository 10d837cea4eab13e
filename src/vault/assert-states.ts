import type { Clock } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { createChanged } from './changed.ts';
import { createLoader } from './load.ts';
import type { Registry } from './registry.ts';
import type { SatelliteTable, VaultRow } from './rows.ts';
import { writeVault } from './write.ts';

/** One state that a job asserts, with the hub and link rows that it needs. */
export interface AssertedState {
  readonly satellite: VaultRow;
  readonly context: readonly VaultRow[];
}

/** Builds the states for the instant of their rows' stamps. */
export type StatesAt = (load_date: string) => readonly AssertedState[];

/**
 * Writes the states that differ from the state in force at their applied_date.
 * @param table the satellite of all of them
 * @returns the number of satellite rows written
 * @throws Error if the vault refuses a row, because a job's own rows must be valid
 */
export const assertStates = async (
  context: { readonly sql: Sql; readonly clock: Clock; readonly registry: Registry },
  table: SatelliteTable,
  statesAt: StatesAt,
): Promise<number> => {
  const { sql, clock, registry } = context;
  const load = createLoader({ registry, now: clock.now });
  const changed = createChanged(registry);
  return writeVault(sql, clock, async (tx, load_date) => {
    const states = new Map(statesAt(load_date).map((state) => [state.satellite, state]));
    const fresh = await changed(tx, [...states.keys()]);
    const rows = fresh.flatMap((satellite) => [satellite, ...states.get(satellite)!.context]);
    const { tables, refused } = await load(tx, rows);
    if (refused > 0) throw new Error(`the vault refused ${refused} rows of ${table}`);
    return tables[table]?.inserted ?? 0;
  });
};
