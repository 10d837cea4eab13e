import type { Entity } from './entity.ts';

type Recorded = Pick<Entity, 'table' | 'hash_key' | 'kind' | 'primary_key'>;

// An array has a size limit, and a reader of changes reads whole arrays.
const ROWS_A_CHANGE = 5_000;
const TIMES = ['applied_date', 'load_date', 'hash_diff'];

/**
 * The statement that inserts rows into a table without partitions, and records the new rows in the same statement: for
 * the change feed, and as leaves of the audit log.
 * @param insert `insert into … on conflict do nothing`, without `returning`
 * @returns SQL whose one row has the number of inserted rows as `inserted`
 */
export const recordedInsert = ({ table, hash_key, kind, primary_key }: Recorded, insert: string): string => {
  const is_satellite = kind === 'satellite';
  const others = primary_key.filter((name) => name !== hash_key && !TIMES.includes(name));
  const returned = new Set([hash_key, 'load_date', 'record_source', ...(is_satellite ? TIMES : []), ...others]);
  const arrays = [
    `array_agg(${hash_key})`,
    'array_agg(load_date)',
    'array_agg(record_source)',
    is_satellite ? 'array_agg(applied_date)' : 'null',
    is_satellite ? 'array_agg(hash_diff)' : 'null',
    others.length === 0 ? 'null' : `array_agg(row(${others.join(', ')})::text)`,
  ];
  return `
  with inserted as (
    ${insert}
    returning ${[...returned].join(', ')}
  )
  select coalesce(sum(recorded), 0)::integer as inserted
  from (
    select util.record_rows('${table}', ${arrays.join(', ')}) as recorded
    from (select *, (row_number() over () - 1) / ${ROWS_A_CHANGE} as piece from inserted) as numbered
    group by piece) as pieces`;
};
