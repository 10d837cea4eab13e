import type { Sql } from '../postgres/connect.ts';
import { CUSTOMER_HUB } from '../vault/entity.ts';
import { customerLinks } from '../vault/ownership.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';
import type { Transaction } from '../vault/transaction.ts';

/**
 * A function that is true for a customer's rows: rows of tables with the owner customer or person that name the customer,
 * or that describe its data. The platform's rows, for example models and providers, belong to no customer.
 * @param customer_hk the customer's hash key, hex
 */
export const createOwnership = async (
  sql: Sql | Transaction,
  registry: Registry,
  customer_hk: string,
): Promise<(rows: readonly VaultRow[]) => boolean> => {
  const column = registry.hub(CUSTOMER_HUB).hash_key;
  const belongings = new Set<string>();
  for (const link of customerLinks(registry)) {
    // The rows of a partitioned link are in one leaf with their hubs, so no lookup is needed.
    if (link.partition !== null) continue;
    const owned = link.hubs.filter(({ table }) => table !== CUSTOMER_HUB && registry.hub(table).owner === 'customer');
    const rows = await sql.unsafe<Record<string, string>[]>(
      `select ${[link.hash_key, ...owned.map((hub) => hub.column)].join(', ')}
       from ${link.name}
       where ${column} = decode($1::text, 'hex')`,
      [customer_hk],
    );
    for (const row of rows) {
      belongings.add(`${link.table} ${row[link.hash_key]}`);
      for (const hub of owned) belongings.add(`${hub.table} ${row[hub.column]}`);
    }
  }
  return (rows) =>
    rows.some(({ table, values }) => {
      const entity = registry.entities.get(table);
      if (entity === undefined || entity.owner === 'platform') return false;
      if (values[column] === customer_hk) return true;
      const about = entity.kind === 'satellite' ? entity.parent : table;
      return belongings.has(`${about} ${String(values[entity.hash_key])}`);
    });
};
