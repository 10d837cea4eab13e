import type { Clock } from '../core/clock.ts';
import type { Sql } from '../postgres/connect.ts';
import { createLoader } from './load.ts';
import type { Registry } from './registry.ts';
import type { SatelliteTable, VaultRow } from './rows.ts';
import { writeVault } from './write.ts';

/** One state that a job asserts, with the hub and link rows that it needs. */
export interface AssertedState {
  readonly satellite: VaultRow;
  readonly context: readonly VaultRow[];
}

/** Builds the states for the instant that their rows are stamped with. */
export type StatesAt = (load_date: string) => readonly AssertedState[];

/**
 * Writes the states that differ from what holds at their applied_date; the others say nothing new.
 * @param table the satellite of all of them
 * @returns the number of satellite rows written
 * @throws Error when the vault refuses a row: a job's own rows are sound or the job is wrong
 */
export const assertStates = async (
  context: { readonly sql: Sql; readonly clock: Clock; readonly registry: Registry },
  table: SatelliteTable,
  statesAt: StatesAt,
): Promise<number> => {
  const { sql, clock, registry } = context;
  const load = createLoader({ registry, now: clock.now });
  const { name, hash_key } = registry.satellite(table);
  return writeVault(sql, clock, async (tx, load_date) => {
    const states = statesAt(load_date);
    const bytes = (column: string): string =>
      `{${states.map((each) => `\\\\x${each.satellite.values[column]}`).join(',')}}`;
    const applied = `{${states.map((each) => each.satellite.values.applied_date).join(',')}}`;
    const fresh = await tx.unsafe<{ place: number }[]>(
      `
      select given.place
      from unnest($1::text::bytea[], $2::text::timestamptz[], $3::text::bytea[])
        with ordinality as given (hash_key, applied_date, hash_diff, place)
      left join lateral (
        select s.hash_diff
        from ${name} s
        where s.${hash_key} = given.hash_key
          and s.applied_date <= given.applied_date
        order by s.applied_date desc, s.load_date desc, s.hash_diff desc
        limit 1) held on true
      where held.hash_diff is distinct from given.hash_diff`,
      [bytes(hash_key), applied, bytes('hash_diff')],
    );
    const rows = fresh.flatMap(({ place }) => {
      const state = states[place - 1]!;
      return [state.satellite, ...state.context];
    });
    const { tables, refused } = await load(tx, rows);
    if (refused > 0) throw new Error(`the vault refused ${refused} rows of ${name}`);
    return tables[table]?.inserted ?? 0;
  });
};
