import { hash } from 'node:crypto';
import { inspect } from 'node:util';
import { arrayLiteral, type Writable } from './literal.ts';
import type { Transaction } from './transaction.ts';

/** A refused row, with the reason. */
export interface Refusal extends Writable {
  /** SHA-256 of the other fields, lower-case hex. */
  readonly load_error_key: string;
  readonly table_name: string;
  readonly reason: string;
  readonly record: string;
}

/**
 * A row for ops.load_error. The key hashes table, reason and record, so that a replay adds nothing.
 * @param row the given value, of any form
 */
export const refusal = (row: { readonly table: unknown; readonly values: unknown }, reason: string): Refusal => {
  const table_name = safeText(String(row.table));
  const record = safeRecord(row.values);
  const load_error_key = hash('sha256', JSON.stringify([table_name, reason, record]), 'hex');
  return { load_error_key, table_name, reason: safeText(reason), record };
};

/** Writes refusals, in order of their keys. */
export const insertRefusals = async (tx: Transaction, refusals: readonly Refusal[], now_ms: number): Promise<void> => {
  if (refusals.length === 0) return;
  const rows = refusals.toSorted((a, b) => (a.load_error_key < b.load_error_key ? -1 : 1));
  const keys = arrayLiteral({ name: 'load_error_key', type: 'bytes' }, rows);
  const tables = arrayLiteral({ name: 'table_name', type: 'text' }, rows);
  const reasons = arrayLiteral({ name: 'reason', type: 'text' }, rows);
  const records = arrayLiteral({ name: 'record', type: 'text' }, rows);
  await tx`
    insert into ops.load_error (load_error_key, table_name, reason, record, refused_at)
    select load_error_key, table_name, reason, record, ${new Date(now_ms).toISOString()}::text::timestamptz
    from unnest(${keys}::text::bytea[], ${tables}::text::text[], ${reasons}::text::text[], ${records}::text::text[])
      as refused (load_error_key, table_name, reason, record)
    on conflict do nothing`;
};

/**
 * The JSON text of any value, such that PostgreSQL accepts it as text and as jsonb: the escapes that jsonb refuses
 * (NUL, lone surrogates) become the visible text `\u0000`.
 */
const safeRecord = (value: unknown): string => {
  try {
    const json = JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? `${member}` : member));
    return (json ?? 'null').replace(/\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escaped, code: string) =>
      code.length > 1 ? `\\\\${code}` : escaped,
    );
  } catch {
    // A cycle has no JSON.
    return JSON.stringify(safeText(inspect(value, { depth: 10 })));
  }
};

const safeText = (text: string): string => text.replaceAll('\0', '\\u0000').toWellFormed();
