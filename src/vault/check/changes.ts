import { type Entity, GHOST_KEY } from '../entity.ts';
import { type Check, outcomeOf } from './check.ts';
import { listLeaves } from './leaves.ts';

/** The change feed names every row without a journal sequence, and has a position for every change. */
export const changes: Check = {
  name: 'changes',
  counted: 'rows',
  units: async ({ sql, registry }) => {
    const recorded = [...registry.entities.values()].filter(({ partition }) => partition === null);
    const leaves = await listLeaves(sql, recorded);
    return [
      ...leaves.map(({ entity, pages }) => ({ label: entity.name, weight: pages, run: countOf(entity) })),
      { label: 'ops.change_order', weight: 1, run: checkOrder },
    ];
  },
};

const countOf =
  ({ name, table, hash_key }: Entity): Awaited<ReturnType<Check['units']>>[number]['run'] =>
  async (sql) => {
    const [counts] = await sql.unsafe<[{ stored: number; named: number }]>(
      `select (select count(*) from ${name} where ${hash_key} <> decode('${GHOST_KEY}', 'hex')) as stored,
         (select coalesce(sum(row_count), 0)::bigint from ops.load_change where table_name = '${table}') as named`,
    );
    const { stored, named } = counts!;
    return outcomeOf(
      stored,
      stored === named ? [] : [`${name} holds ${stored} rows, and the change feed names ${named}`],
    );
  };

const checkOrder: ReturnType<typeof countOf> = async (sql) => {
  const rows = await sql<{ change_id: number; places: number }[]>`
    select coalesce(c.change_id, o.change_id) as change_id, count(o.change_id) as places
    from ops.load_change c
    full join ops.change_order o on o.change_id = c.change_id
    group by 1
    having count(o.change_id) <> 1 or count(c.change_id) <> 1
    limit 100`;
  return outcomeOf(
    0,
    rows.map(({ change_id, places }) => `change ${change_id} stands at ${places} places of the feed`),
  );
};
