import assert from 'node:assert/strict';
import { entryOf, leafHash } from '../../src/audit/entry.ts';
import { readFrontier, readTreeSize } from '../../src/audit/read-hashes.ts';
import { createReadLeaves, type LoggedLeaf } from '../../src/audit/read-leaves.ts';
import { sequenceLeaves } from '../../src/audit/sequence-leaves.ts';
import { type UncoveredRow, uncoveredRows } from '../../src/audit/uncovered-rows.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { GHOST_KEY } from '../../src/vault/entity.ts';
import { journalFamily } from '../../src/vault/journal-family.ts';
import { registry } from '../vault/vault-fixture.ts';

/** Appends all queued leaves to the tree. @returns its size */
export const sequenceAll = async (sql: Sql): Promise<number> => {
  await sql.begin(async (tx) => {
    const frontier = await readFrontier(tx, await readTreeSize(tx));
    while ((await sequenceLeaves(tx, frontier)) > 0);
  });
  return readTreeSize(sql);
};

export const readAll = async (sql: Sql, from: number, to: number): Promise<LoggedLeaf[]> => {
  const leaves: LoggedLeaf[] = [];
  for await (const page of createReadLeaves(registry)(sql, { from, to })) leaves.push(...page);
  return leaves;
};

export const listUncovered = async (sql: Sql): Promise<UncoveredRow[]> => {
  const found: UncoveredRow[] = [];
  for await (const rows of uncoveredRows(sql, registry)) found.push(...rows);
  return found;
};

/** Number of rows in the vault, and of their events; a call is one event. */
const countVault = async (sql: Sql): Promise<{ rows: number; events: number }> => {
  const family = journalFamily(registry)!;
  let [rows, events] = [0, 0];
  for (const entity of registry.entities.values()) {
    const [found] = await sql.unsafe<[{ count: number }]>(
      `select count(*) as count from ${entity.name} where ${entity.hash_key} <> decode('${GHOST_KEY}', 'hex')`,
    );
    rows += found!.count;
    if (!family.tables.has(entity.table) || entity === family.satellite) events += found!.count;
  }
  return { rows, events };
};

/**
 * Asserts that every event of the vault has exactly one leaf with the hash of its present rows.
 * @returns the leaves
 */
export const assertLogged = async (sql: Sql): Promise<LoggedLeaf[]> => {
  const leaves = await readAll(sql, 0, await sequenceAll(sql));
  for (const [place, { index, leaf_hash, rows, gone }] of leaves.entries()) {
    assert.equal(index, place);
    assert.equal(gone, null);
    assert.equal(leaf_hash, leafHash(entryOf(registry, rows)), JSON.stringify(rows));
  }
  assert.deepEqual(await listUncovered(sql), []);
  const vault = await countVault(sql);
  assert.equal(leaves.length, vault.events);
  assert.equal(new Set(leaves.flatMap(({ rows }) => rows.map((row) => JSON.stringify(row)))).size, vault.rows);
  return leaves;
};
