import type { Sql } from '../../postgres/connect.ts';

const DAY_MS = 86_400_000;

/** Days of calls at the end of their retention period. */
export interface RetentionRule {
  /** Number of days after its end for which a day is kept; 0 is for ever. */
  readonly retention_days: number;
  /** The instant used as the current time: ISO 8601, UTC. */
  readonly at: string;
}

/** The first instant of a day and that of the next one, ISO 8601. @param day `YYYY-MM-DD` */
export const boundsOf = (day: string): { readonly from: string; readonly to: string } => {
  const from_ms = Date.parse(`${day}T00:00:00Z`);
  return { from: new Date(from_ms).toISOString(), to: new Date(from_ms + DAY_MS).toISOString() };
};

/** The days (`YYYY-MM-DD`) with partitions whose retention period has ended completely, the oldest first. */
export const listDueDays = async (sql: Sql, { retention_days, at }: RetentionRule): Promise<string[]> => {
  if (retention_days === 0) return [];
  const rows = await sql<{ day: string }[]>`
    select distinct to_date(substring(c.relname from '_p([0-9]{8})$'), 'YYYYMMDD')::text as day
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'gateway.api_request_s'::regclass
      and c.relname ~ '_p[0-9]{8}$'
    order by 1`;
  const latest_end_ms = Date.parse(at) - retention_days * DAY_MS;
  return rows.map(({ day }) => day).filter((day) => Date.parse(boundsOf(day).to) <= latest_end_ms);
};
