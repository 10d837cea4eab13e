import type { Sql } from '../postgres/connect.ts';
import type { Flavour, Satellite } from './entity.ts';
import { arrayLiteral } from './literal.ts';
import type { Registry } from './registry.ts';
import type { VaultRow } from './rows.ts';
import type { Transaction } from './transaction.ts';

/**
 * Omits known states, for writers that assert the same state repeatedly in order of time. An omitted row cannot be added
 * later: a late row before it stays in force past its instant.
 */
export type Changed = (sql: Sql | Transaction, rows: readonly VaultRow[]) => Promise<VaultRow[]>;

// A fact repeats nothing. A relation that another partner has ended opens anew, even if its own last row is an opening.
const UNFILTERED: readonly Flavour[] = ['event', 'effectivity'];

/**
 * A filter that drops rows of state, multi-active and tracking satellites equal to the state at their applied_date (for a
 * tracked key, of the same source), in the database or in an earlier row of the same call. All other rows pass, in the
 * given order.
 */
export const createChanged =
  (registry: Registry): Changed =>
  async (sql, rows) => {
    const by_table = Map.groupBy(rows, (row) => row.table);
    const repeated = new Set<VaultRow>();
    for (const [table, all] of by_table) {
      const entity = registry.entities.get(table);
      if (entity?.kind !== 'satellite' || UNFILTERED.includes(entity.flavour)) continue;
      // The loader refuses rows that do not validate.
      const sound = all.filter((row) => entity.fault(row.values) === null);
      for (const row of await repeatedOf(sql, entity, sound)) repeated.add(row);
    }
    return rows.filter((row) => !repeated.has(row));
  };

interface State {
  readonly applied_date: string;
  readonly load_date: string;
  readonly hash_diff: string;
}

const repeatedOf = async (
  sql: Sql | Transaction,
  { name, hash_key, flavour }: Satellite,
  rows: readonly VaultRow[],
): Promise<VaultRow[]> => {
  const keys = rows.map(({ values }) => `\\\\x${String(values[hash_key])}`);
  const instants = rows.map(({ values }) => String(values.applied_date));
  const sources = rows.map(({ values }) => String(values.record_source));
  const is_tracking = flavour === 'tracking';
  const in_force = await sql.unsafe<({ place: number } & State)[]>(
    `select given.place::integer as place, held.applied_date, held.load_date, held.hash_diff
     from unnest($1::text::bytea[], $2::text::timestamptz[], $3::text::text[])
       with ordinality as given (key, at, source, place)
     cross join lateral (
       select applied_date, load_date, hash_diff
       from ${name}
       where ${hash_key} = given.key ${is_tracking ? 'and record_source = given.source' : ''} and applied_date <= given.at
       order by applied_date desc, load_date desc, hash_diff desc
       limit 1) held`,
    [
      `{${keys.join(',')}}`,
      `{${instants.join(',')}}`,
      arrayLiteral(
        { name: 'source', type: 'text' },
        sources.map((source) => ({ source })),
      ),
    ],
    { prepare: true },
  );
  const held = new Map(in_force.map((state) => [rows[state.place - 1], state]));
  const of_key = Map.groupBy(rows, ({ values }) =>
    is_tracking ? `${values[hash_key]} ${values.record_source}` : values[hash_key],
  );
  return [...of_key.values()].flatMap((all) => repeatedOfKey(all, held));
};

/** Walks the rows of one key in time. `kept` is the last state that this call adds. */
const repeatedOfKey = (all: readonly VaultRow[], held: ReadonlyMap<VaultRow | undefined, State>): VaultRow[] => {
  const repeated: VaultRow[] = [];
  let kept: State | undefined;
  for (const row of all.toSorted((a, b) => byTime(stateOf(a), stateOf(b)))) {
    const state = stateOf(row);
    const before = latest(held.get(row), kept);
    // The rows of a set share one state: the set is new or repeated as a whole.
    const is_same_set = kept !== undefined && byTime(kept, state) === 0;
    if (!is_same_set && before?.hash_diff === state.hash_diff) repeated.push(row);
    else kept = state;
  }
  return repeated;
};

const stateOf = ({ values }: VaultRow): State => ({
  applied_date: instant(String(values.applied_date)),
  load_date: instant(String(values.load_date)),
  hash_diff: String(values.hash_diff),
});

/** Six decimals, so that instants compare as text. */
const instant = (text: string): string => `${text.slice(0, 19)}.${text.slice(20, -1).padEnd(6, '0')}Z`;

const byTime = (a: State, b: State): number => {
  for (const column of ['applied_date', 'load_date', 'hash_diff'] as const) {
    if (a[column] !== b[column]) return a[column] < b[column] ? -1 : 1;
  }
  return 0;
};

const latest = (held: State | undefined, kept: State | undefined): State | undefined => {
  if (held === undefined || kept === undefined) return held ?? kept;
  const stored = { ...held, applied_date: instant(held.applied_date), load_date: instant(held.load_date) };
  return byTime(stored, kept) > 0 ? stored : kept;
};
