import { type Clock, instantOf } from '../../core/clock.ts';
import type { Sql } from '../../postgres/connect.ts';
import type { Entity } from '../entity.ts';
import type { Transaction } from '../transaction.ts';
import { type Check, type Outcome, outcomeOf } from './check.ts';

/** Partitioned tables have all near days, the same days in each, and no place for rows of other days. */
export const partitions: Check = {
  name: 'partitions',
  counted: 'partitions',
  units: async ({ registry, clock }) => {
    const tables = [...registry.entities.values()].filter(({ partition }) => partition !== null);
    return [
      { label: 'partitions', weight: 1, run: (sql) => checkPartitions(sql, tables, clock) },
      ...tables.map((entity) => ({
        label: entity.name,
        weight: 1,
        run: (sql: Sql | Transaction) => checkDefault(sql, entity),
      })),
    ];
  },
};

// Half of the days that the job creates in advance: it may fail for a week before this fault appears.
const DAYS_AHEAD = 7;
const DAY_MS = 86_400_000;

interface Partition {
  readonly parent: string;
  readonly name: string;
  readonly bounds: string;
}

const checkPartitions = async (sql: Sql | Transaction, tables: readonly Entity[], clock: Clock): Promise<Outcome> => {
  const found = await sql<Partition[]>`
    select i.inhparent::regclass::text as parent, c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = any(${tables.map(({ name }) => name)}::text[]::regclass[])
    order by 1, 2`;
  const faults: string[] = [];
  const days_of = new Map(tables.map(({ name }) => [name, new Set<string>()]));
  for (const { parent, name, bounds } of found) {
    const [, day] = /_p(\d{8})$/.exec(name) ?? [];
    if (day !== undefined) {
      days_of.get(parent)?.add(day);
      if (bounds !== boundsOf(day)) faults.push(`${name} holds ${bounds}, which is not its day`);
    } else if (bounds === 'DEFAULT') {
      faults.push(`${name} is a default partition: what lies in it has no day`);
    }
  }
  for (const day of daysFrom(clock.now())) {
    for (const { name } of tables) {
      if (!days_of.get(name)!.has(day))
        faults.push(`${name} has no partition for ${day}: run \`onevault job partitions\``);
    }
  }
  const all = new Set([...days_of.values()].flatMap((days) => [...days]));
  for (const [name, days] of days_of) {
    for (const day of all.difference(days)) {
      if (!daysFrom(clock.now()).includes(day)) faults.push(`${name} has no partition for ${day}, and others have`);
    }
  }
  return outcomeOf(found.length, faults);
};

const daysFrom = (now_ms: number): string[] =>
  Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) =>
    instantOf(now_ms + ahead * DAY_MS)
      .slice(0, 10)
      .replaceAll('-', ''),
  );

const boundsOf = (day: string): string => {
  const start = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;
  const end = instantOf(Date.parse(`${start}T00:00:00Z`) + DAY_MS).slice(0, 10);
  return `FOR VALUES FROM ('${start} 00:00:00+00') TO ('${end} 00:00:00+00')`;
};

/** The partition of dates before the product contains only the ghost record. */
const checkDefault = async (sql: Sql | Transaction, { name }: Entity): Promise<Outcome> => {
  const [row] = await sql.unsafe<[{ rows: number }]>(
    `select count(*) as rows from ${name} where load_date < timestamptz '2000-01-01 00:00:00+00' and load_date <> timestamptz '1900-01-01 00:00:00+00'`,
  );
  return outcomeOf(0, row!.rows === 0 ? [] : [`${name} holds ${row!.rows} rows from before the year 2000`]);
};
