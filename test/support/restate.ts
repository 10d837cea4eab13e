import assert from 'node:assert/strict';
import { instantOf } from '../../src/core/clock.ts';
import type { ControlDeps } from '../../src/modules/deps.ts';
import type { Content, SatelliteTable } from '../../src/vault/rows.ts';

const STANDARD_COLUMNS = new Set(['load_date', 'applied_date', 'hash_diff', 'record_source']);

/** Adds a satellite row with the current values and `changes`, and refreshes the gateway's snapshot. */
export const restate = async <T extends SatelliteTable>(
  { sql, reader, rows, load, clock, refreshSnapshot }: ControlDeps,
  table: T,
  hash_key: string,
  changes: Partial<Content<T>>,
): Promise<void> => {
  const [current] = await reader.current(sql, table, { hash_keys: [hash_key] });
  assert.ok(current !== undefined, `${table} says nothing of the key`);
  const existing = Object.entries(current).filter(
    ([column, value]) => !STANDARD_COLUMNS.has(column) && value !== hash_key,
  );
  const content = { ...Object.fromEntries(existing), ...changes } as Content<T>;
  const at = instantOf(clock.now());
  const row = rows.satellite(table, hash_key, content, {
    load_date: at,
    applied_date: at,
    record_source: 'test',
  });
  const { refused } = await load(sql, [row]);
  assert.equal(refused, 0);
  await refreshSnapshot();
};
