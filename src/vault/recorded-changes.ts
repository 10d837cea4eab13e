import type { Sql } from '../postgres/connect.ts';
import {
  type ChangePage,
  type ChangePosition,
  FEED_START,
  inOrder,
  type PositionedRow,
  positionedRows,
} from './change-page.ts';
import type { Entity } from './entity.ts';
import type { Transaction } from './transaction.ts';

const PREPARED = { prepare: true };

interface Change {
  readonly position: number;
  readonly change_id: number;
  readonly table_name: string;
  readonly row_count: number;
}

/** A part of a change: `take` of its rows after the first `skip`. */
export interface Piece {
  /** The `major` of its rows in the result. */
  readonly position: number;
  readonly change_id: number;
  readonly skip: number;
  readonly take: number;
}

/** Rows that loads have recorded in ops.load_change since a position. */
export const readRecorded = async (
  sql: Sql | Transaction,
  entities: readonly Entity[],
  position: ChangePosition,
  limit: number,
): Promise<ChangePage> => {
  if (entities.length === 0) return { rows: [], position, has_more: false };
  // The position moves past changes of other tables too, so that they are not read again.
  const changes = await sql<Change[]>`
    select o.position, o.change_id, c.table_name, c.row_count
    from ops.change_order o
    join ops.load_change c using (change_id)
    where o.position >= ${position.change}
    order by o.position
    limit ${limit + 1}`;
  const wanted = new Set(entities.map(({ table }) => table));
  const pieces: (Piece & Change)[] = [];
  let [left, reached] = [limit, position];
  for (const change of changes) {
    const skip = change.position === position.change ? position.rows : 0;
    const take = wanted.has(change.table_name) ? Math.min(left, change.row_count - skip) : 0;
    if (take > 0) pieces.push({ ...change, skip, take });
    left -= take;
    const is_cut = wanted.has(change.table_name) && skip + take < change.row_count;
    reached = { ...position, change: change.position, rows: is_cut ? skip + take : change.row_count };
    if (left === 0) break;
  }
  const rows = await Promise.all(
    entities.map((entity) =>
      readPieces(
        sql,
        entity,
        pieces.filter(({ table_name }) => table_name === entity.table),
      ),
    ),
  );
  const has_more = left === 0 || changes.length > limit;
  return { rows: inOrder(rows.flat()), position: reached, has_more };
};

/** The last change that is visible now, with all of its rows. */
export const readRecordedEnd = async (sql: Sql | Transaction): Promise<Pick<ChangePosition, 'change' | 'rows'>> => {
  const [last] = await sql<{ change: number; rows: number }[]>`
    select o.position as change, c.row_count as rows
    from ops.change_order o
    join ops.load_change c using (change_id)
    order by o.position desc
    limit 1`;
  return last ?? FEED_START;
};

/** The rows of parts of changes; `minor` is their position in the change, from 1. */
export const readPieces = async (
  sql: Sql | Transaction,
  entity: Entity,
  pieces: readonly Piece[],
): Promise<PositionedRow[]> => {
  if (pieces.length === 0) return [];
  const { name, hash_key, kind, primary_key, columns } = entity;
  const slice = (column: string): string => `c.${column}[piece.skip + 1 : piece.skip + piece.take]`;
  const times = ['applied_date', 'load_date', 'hash_diff'];
  const others = primary_key.filter((column) => column !== hash_key && !times.includes(column));
  const conditions = [
    `t.${hash_key} = k.hash_key`,
    ...(kind === 'satellite' ? times.map((column) => `t.${column} = k.${column}`) : []),
    ...(others.length === 0 ? [] : [`row(${others.map((column) => `t.${column}`).join(', ')})::text = k.other`]),
  ];
  const found = await sql.unsafe<Record<string, unknown>[]>(
    `select piece.position as feed_major, piece.skip + k.place as feed_minor,
       ${columns.map((column) => `t.${column.name}`).join(', ')}
     from unnest($1::text::bigint[], $2::text::bigint[], $3::text::integer[], $4::text::integer[])
       as piece (position, change_id, skip, take)
     join ops.load_change c using (change_id)
     cross join lateral unnest(${['hash_keys', 'applied_dates', 'load_dates', 'hash_diffs', 'others'].map(slice).join(', ')})
       with ordinality as k (hash_key, applied_date, load_date, hash_diff, other, place)
     join ${name} t on ${conditions.join(' and ')}`,
    (['position', 'change_id', 'skip', 'take'] as const).map(
      (column) => `{${pieces.map((piece) => piece[column]).join(',')}}`,
    ),
    PREPARED,
  );
  return positionedRows(entity.table, found);
};
