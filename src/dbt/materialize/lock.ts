import type { TransactionSql } from 'postgres';
import { quoted, type Relation } from '../relations.ts';

/**
 * Waits until no other transaction builds this relation, and holds the lock until the end of this one. All writers of a
 * relation take it, in all processes.
 */
export const lockRelation = (sql: TransactionSql, relation: Relation): Promise<void> =>
  lockName(sql, `relation ${quoted(relation)}`);

/** The same for a schema that is about to be made. */
export const lockSchema = (sql: TransactionSql, schema: string): Promise<void> => lockName(sql, `schema ${schema}`);

const lockName = async (sql: TransactionSql, name: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`onevault dbt ${name}`}, 0))`;
};
