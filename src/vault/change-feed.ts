import type { Sql } from '../postgres/connect.ts';
import type { ChangePage, ChangePosition } from './change-page.ts';
import type { Entity } from './entity.ts';
import { readJournal, readJournalEnd } from './journal-changes.ts';
import { type JournalFamily, journalFamily } from './journal-family.ts';
import { readRecorded, readRecordedEnd } from './recorded-changes.ts';
import type { Registry } from './registry.ts';
import type { Transaction } from './transaction.ts';

/**
 * Reads the rows added to the tables since a position: each row once, however late its transaction committed. Ghost
 * records are not changes.
 * @param limit how many rows at most; at least one a table of the journal
 * @throws RangeError for an unknown table, or for a partitioned table that the journal does not fill
 */
export type ReadChanges = (
  sql: Sql | Transaction,
  tables: readonly string[],
  position: ChangePosition,
  limit: number,
) => Promise<ChangePage>;

export const createChangeFeed = (registry: Registry): ReadChanges => {
  const family = journalFamily(registry);
  return async (sql, tables, position, limit) => {
    const wanted = tables.map((table) => pick(registry, family, table));
    const of_journal = wanted.filter(({ table }) => family?.tables.has(table));
    const recorded = await readRecorded(
      sql,
      wanted.filter((entity) => !of_journal.includes(entity)),
      position,
      limit,
    );
    if (family === null || of_journal.length === 0 || recorded.has_more) return recorded;
    const journal = await readJournal(
      sql,
      { family, entities: of_journal },
      recorded.position,
      limit - recorded.rows.length,
    );
    return { ...journal, rows: [...recorded.rows, ...journal.rows] };
  };
};

/** The position after all rows that are visible now, for any set of tables. */
export const readFeedEnd = async (sql: Sql | Transaction): Promise<ChangePosition> => ({
  ...(await readRecordedEnd(sql)),
  writers: await readJournalEnd(sql),
});

const pick = (registry: Registry, family: JournalFamily | null, table: string): Entity => {
  const entity = registry.entities.get(table);
  if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
  if (entity.partition !== null && family?.tables.has(table) !== true) {
    throw new RangeError(`${table} is partitioned, but the journal does not fill it: it has no change feed`);
  }
  return entity;
};
