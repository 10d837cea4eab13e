import { type CallRecord, type JournalEntry, type JournalRecord, SCHEMA_VERSION } from '../../journal/record.ts';
import { type Refusal, refusal } from '../../vault/load-error.ts';
import type { Registry } from '../../vault/registry.ts';
import type { VaultRow } from '../../vault/rows.ts';
import type { CallRows } from './call-rows.ts';

/** Input of one load transaction: consecutive entries of one writer. */
export interface Batch {
  readonly writer: string;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly record_count: number;
  /** Complete records that no table accepts, with the reasons. */
  readonly refusals: readonly Refusal[];
  /** Earliest and latest request_timestamp; null if the batch holds no call. */
  readonly first_instant: string | null;
  readonly last_instant: string | null;
  /** Earliest and latest load_date; null if the batch holds no call. */
  readonly first_load_date: string | null;
  readonly last_load_date: string | null;
  /** Entries that the journal may delete once the batch is in the vault. */
  readonly spent: readonly number[];
}

/** A batch with its rows, grouped by record. */
interface WholeBatch extends Batch {
  readonly records: readonly (readonly VaultRow[])[];
}

/** Converts at least one entry into rows. */
export const prepareBatch = (entries: readonly JournalEntry[], callRows: CallRows, registry: Registry): WholeBatch => {
  const records: (readonly VaultRow[])[] = [];
  const preparation = startBatch(callRows, registry, (rows) => records.push(rows));
  preparation.add(entries);
  return { ...preparation.finish(), records };
};

/** A batch under construction, so that the caller can do other work in between. */
export interface BatchPreparation {
  /** Adds the entries that follow. */
  add(entries: readonly JournalEntry[]): void;
  /** The batch. At least one entry must have been added. */
  finish(): Batch;
}

/**
 * Starts an empty batch.
 * @param take gets the rows of one call after another, and the sequence of its record. A record is accepted or
 *   refused as a whole.
 */
export const startBatch = (
  callRows: CallRows,
  registry: Registry,
  take: (rows: readonly VaultRow[], sequence: number) => void,
): BatchPreparation => {
  const refusals: Refusal[] = [];
  const spent: number[] = [];
  let first: JournalEntry | undefined;
  let last: JournalEntry | undefined;
  let record_count = 0;
  let first_instant: string | null = null;
  let last_instant: string | null = null;
  let first_load_date: string | null = null;
  let last_load_date: string | null = null;

  const refuse = (entry: JournalEntry, reason: string): void => {
    refusals.push(refusal({ table: 'journal', values: entry }, reason));
  };
  const add = (entry: JournalEntry): void => {
    // An intent stays in the journal until its outcome is in the vault: recovery reads it.
    if (isIntentAsWritten(entry.text)) return;
    const record = readRecord(entry.text);
    if (typeof record === 'string') {
      refuse(entry, record);
      spent.push(entry.sequence);
      return;
    }
    if (record.kind !== 'void' && isSequence(record.intent_sequence)) spent.push(record.intent_sequence);
    if (record.kind === 'intent') return;
    spent.push(entry.sequence);
    if (record.kind === 'void') return;
    const made = rowsOf(record, entry, callRows, registry);
    if (typeof made === 'string') {
      refuse(entry, made);
      return;
    }
    take(made, entry.sequence);
    const { request_timestamp } = record.call;
    first_instant = earlier(first_instant, request_timestamp);
    last_instant = later(last_instant, request_timestamp);
    first_load_date = earlier(first_load_date, record.recorded_at);
    last_load_date = later(last_load_date, record.recorded_at);
  };

  return {
    add: (entries) => {
      first ??= entries[0];
      last = entries.at(-1) ?? last;
      record_count += entries.length;
      for (const entry of entries) add(entry);
    },
    finish: () => ({
      writer: first!.writer,
      first_sequence: first!.sequence,
      last_sequence: last!.sequence,
      record_count,
      refusals,
      spent,
      first_instant,
      last_instant,
      first_load_date,
      last_load_date,
    }),
  };
};

// The "Z" is cut off, because with it an instant with fewer decimals would sort after one with more.
const isBefore = (a: string, b: string): boolean => a.slice(0, -1) < b.slice(0, -1);
const earlier = (a: string | null, b: string): string => (a === null || isBefore(b, a) ? b : a);
const later = (a: string | null, b: string): string => (a === null || isBefore(a, b) ? b : a);

const INTENT_AS_WRITTEN = `{"schema_version":${SCHEMA_VERSION},"kind":"intent","intent_sequence":null,`;

/**
 * True if a text starts as the journal's writer starts an intent that replaces no other one. Every second record is
 * such an intent, and parsing is expensive.
 */
const isIntentAsWritten = (text: string): boolean => text.startsWith(INTENT_AS_WRITTEN) && text.endsWith('}');

// The field of a record that is refused later may hold any value here.
const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

/** The record, or the reason why it cannot be read. */
const readRecord = (text: string): JournalRecord | string => {
  let record: { kind?: unknown; schema_version?: unknown } | null;
  try {
    record = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  if (record?.kind === 'void') return record as JournalRecord;
  if (record?.kind !== 'intent' && record?.kind !== 'outcome') return 'kind is neither intent, outcome nor void';
  if (record.schema_version !== SCHEMA_VERSION) {
    return `schema_version is ${String(record.schema_version)}; this version reads ${SCHEMA_VERSION}`;
  }
  return record as CallRecord;
};

/** The rows, or the reason why the record gives none. */
const rowsOf = (
  record: CallRecord,
  entry: JournalEntry,
  callRows: CallRows,
  registry: Registry,
): VaultRow[] | string => {
  try {
    const rows = callRows(record, entry);
    for (const { table, values } of rows) {
      const fault = registry.entities.get(table)?.faultOfContent(values);
      if (fault != null) return `${table}: ${fault}`;
    }
    return rows;
  } catch (error) {
    return (error as Error).message;
  }
};
