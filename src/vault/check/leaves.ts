import type { Sql } from '../../postgres/connect.ts';
import type { Column, Entity } from '../entity.ts';
import type { Transaction } from '../transaction.ts';

/** A table with rows of its own: an entity's table, or one of its partitions. */
export interface Leaf {
  readonly entity: Entity;
  /** Its name in SQL. */
  readonly name: string;
  readonly pages: number;
  /** Of a partition: the bounds of load_date, the upper one excluded; null is open. */
  readonly from: string | null;
  readonly to: string | null;
}

const BOUNDS = /^FOR VALUES FROM \((?:'([^']+)'|MINVALUE)\) TO \((?:'([^']+)'|MAXVALUE)\)$/;

/** The leaves of entities, in their order. A missing table has none. */
export const listLeaves = async (sql: Sql | Transaction, entities: Iterable<Entity>): Promise<Leaf[]> => {
  const by_name = new Map([...entities].map((entity) => [entity.name, entity]));
  const rows = await sql<{ root: string; name: string; pages: number; bounds: string | null }[]>`
    select root.name as root, leaf.oid::regclass::text as name,
      pg_relation_size(leaf.oid) / current_setting('block_size')::bigint as pages,
      pg_get_expr(leaf.relpartbound, leaf.oid) as bounds
    from unnest(${[...by_name.keys()]}::text[]) with ordinality as root (name, place)
    join pg_class top on top.oid = to_regclass(root.name)
    left join pg_inherits i on i.inhparent = top.oid
    join pg_class leaf on leaf.oid = coalesce(i.inhrelid, top.oid)
    where leaf.relkind = 'r'
    order by root.place, leaf.relname`;
  return rows.map(({ root, name, pages, bounds }) => {
    const [, from = null, to = null] = BOUNDS.exec(bounds ?? '') ?? [];
    return { entity: by_name.get(root)!, name, pages, from, to };
  });
};

/** SQL that names a row by columns, as `tenant_hk=00ab… load_date=…`. */
export const rowText = (columns: readonly Column[], alias: string): string =>
  `concat_ws(' ', ${columns
    .map(({ name, type }) => {
      const value = `${alias}.${name}`;
      return `'${name}=' || ${type === 'bytes' ? `encode(${value}, 'hex')` : `${value}::text`}`;
    })
    .join(', ')})`;

export const primaryKeyColumns = (entity: Entity): Column[] =>
  entity.primary_key.map((name) => entity.columns.find((column) => column.name === name)!);
