import type { Sql } from '../postgres/connect.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';

/** Whose rows a bundle holds. */
export interface Owner {
  /** The hub of those who own rows, as `customer_h`. */
  readonly hub: string;
  /** The owner's hash key there. */
  readonly hash_key: string;
  /** Links between an owner and what belongs to him alone, as his keys and invoices. */
  readonly links: readonly string[];
}

/**
 * A function that tells whether rows are an owner's: they name him, or tell about what belongs to him. What is shared,
 * as models and providers, is nobody's.
 */
export const createOwnership = async (
  sql: Sql | Transaction,
  registry: Registry,
  owner: Owner,
): Promise<(rows: readonly VaultRow[]) => boolean> => {
  const column = registry.hub(owner.hub).hash_key;
  const belongings = new Set<string>();
  for (const table of owner.links) {
    const link = registry.link(table);
    const others = link.hubs.filter((hub) => hub.column !== column);
    const rows = await sql.unsafe<Record<string, string>[]>(
      `select ${[link.hash_key, ...others.map((hub) => hub.column)].join(', ')}
       from ${link.name}
       where ${column} = decode($1::text, 'hex')`,
      [owner.hash_key],
    );
    for (const row of rows) {
      belongings.add(`${table} ${row[link.hash_key]}`);
      for (const hub of others) belongings.add(`${hub.table} ${row[hub.column]}`);
    }
  }
  return (rows) =>
    rows.some(({ table, values }) => {
      if (values[column] === owner.hash_key) return true;
      const entity = registry.entities.get(table);
      if (entity === undefined) return false;
      const about = entity.kind === 'satellite' ? entity.parent : table;
      return belongings.has(`${about} ${String(values[entity.hash_key])}`);
    });
};
