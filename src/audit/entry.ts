import { hash } from 'node:crypto';
import { microInstant } from '../vault/instant.ts';
import type { Registry } from '../vault/registry.ts';
import type { VaultRow } from '../vault/rows.ts';

const HEADER = 'onevault-entry/v1\n';

/**
 * Entry of a leaf of the audit log: one line for each row, sorted, with the hashes that cover every column of the row.
 * The SQL functions `audit.entry_line` and `audit.leaf_hash` write the same bytes.
 * @param rows of one event, valid rows of a `RowBuilder`, with all standard columns
 * @throws RangeError for an unknown table
 */
export const entryOf = (registry: Registry, rows: readonly VaultRow[]): string => {
  const lines = rows.map((row) => lineOf(registry, row));
  // A table's name ends with a space, which sorts before every letter, so lines sort like their tables.
  return HEADER + lines.sort().join('');
};

const lineOf = (registry: Registry, { table, values }: VaultRow): string => {
  const entity = registry.entities.get(table);
  if (entity === undefined) throw new RangeError(`the vault has no table ${table}`);
  const state =
    entity.kind === 'satellite' ? `${microInstant(String(values.applied_date))} ${String(values.hash_diff)}` : '- -';
  const key = String(values[entity.hash_key]);
  const load_date = microInstant(String(values.load_date));
  return `${table} ${key} ${load_date} ${state} ${JSON.stringify(values.record_source)}\n`;
};

/**
 * The hash of a leaf, SHA-256(0x00 || entry) (RFC 6962, section 2.1), as 64 lower-case hex digits.
 * @param entry the result of `entryOf`
 */
export const leafHash = (entry: string): string => hash('sha256', `\0${entry}`, 'hex');
