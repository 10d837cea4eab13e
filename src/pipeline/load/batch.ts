import {
  type CallRecord,
  type JournalEntry,
  type JournalRecord,
  SCHEMA_VERSION,
} from '../../journal/record.ts';
import { type Refusal, refusal } from '../../vault/load-error.ts';
import type { Registry } from '../../vault/registry.ts';
import type { VaultRow } from '../../vault/rows.ts';
import type { CallRows } from './call-rows.ts';

/** What one load transaction takes in: consecutive entries of one writer. */
export interface Batch {
  readonly writer: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly record_count: number;
  readonly rows: readonly VaultRow[];
  /** Records that no table takes, whole, with their reasons. */
  readonly refusals: readonly Refusal[];
  /** The earliest and latest request_timestamp, or null where the batch holds no call. */
  readonly first_instant: string | null;
  readonly last_instant: string | null;
  /** Entries that the journal may drop once the batch is in the vault. */
  readonly spent: readonly number[];
}

/** Turns entries, of which there is at least one, into rows. A record is taken whole or refused whole. */
export const prepareBatch = (
  entries: readonly JournalEntry[],
  callRows: CallRows,
  registry: Registry,
): Batch => {
  const rows: VaultRow[] = [];
  const refusals: Refusal[] = [];
  const spent: number[] = [];
  let first_instant: string | null = null;
  let last_instant: string | null = null;
  for (const entry of entries) {
    const record = readRecord(entry.text);
    if (typeof record === 'string') {
      refusals.push(refusal({ table: 'journal', values: entry }, record));
      spent.push(entry.sequence);
      continue;
    }
    // An intent stays in the journal until its outcome is in the vault: recovery reads it.
    if (record.kind === 'intent') continue;
    spent.push(entry.sequence);
    if (record.kind === 'void') continue;
    if (record.intent_sequence !== null) spent.push(record.intent_sequence);
    const made = rowsOf(record, entry, callRows, registry);
    if (typeof made === 'string') {
      refusals.push(refusal({ table: 'journal', values: entry }, made));
      continue;
    }
    rows.push(...made);
    const instant = record.call.request_timestamp;
    if (first_instant === null || instant < first_instant) first_instant = instant;
    if (last_instant === null || instant > last_instant) last_instant = instant;
  }
  const [first, last] = [entries[0]!, entries.at(-1)!];
  return {
    writer: first.writer,
    first_sequence: first.sequence,
    last_sequence: last.sequence,
    record_count: entries.length,
    rows,
    refusals,
    first_instant,
    last_instant,
    spent,
  };
};

/** The record, or why it cannot be read. */
const readRecord = (text: string): JournalRecord | string => {
  let record: { kind?: unknown; schema_version?: unknown };
  try {
    record = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  if (record.kind === 'void') return record as JournalRecord;
  if (record.kind !== 'intent' && record.kind !== 'outcome')
    return 'kind is neither intent, outcome nor void';
  if (record.schema_version !== SCHEMA_VERSION) {
    return `schema_version is ${String(record.schema_version)}; this version reads ${SCHEMA_VERSION}`;
  }
  return record as CallRecord;
};

/** The rows, or why the record has none. */
const rowsOf = (
  record: CallRecord,
  entry: JournalEntry,
  callRows: CallRows,
  registry: Registry,
): VaultRow[] | string => {
  try {
    const rows = callRows(record, entry);
    for (const { table, values } of rows) {
      const fault = registry.entities.get(table)?.fault(values);
      if (fault != null) return `${table}: ${fault}`;
    }
    return rows;
  } catch (error) {
    return (error as Error).message;
  }
};
