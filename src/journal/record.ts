import type { CallRecord } from './call-record.generated.ts';

export type {
  Attempt,
  CallFacts,
  CallRecord,
  IdempotencyFacts,
  RatingFacts,
  RouteFacts,
  SessionFacts,
} from './call-record.generated.ts';

export const SCHEMA_VERSION = 1;

/**
 * Record of a sequence: a call's record, or a void. A void states that the record of its sequence never reached the
 * disk and so was never acknowledged. Voids keep the sequence of a crashed writer without gaps.
 */
export type JournalRecord = CallRecord | { readonly kind: 'void'; readonly reason: string };

const KINDS: ReadonlySet<unknown> = new Set(['intent', 'outcome', 'void'] satisfies JournalRecord['kind'][]);

/** The record in an entry's text, of any schema version; null if the text holds none. */
export const parseRecord = (text: string): JournalRecord | null => {
  try {
    const record = JSON.parse(text) as JournalRecord | null;
    return KINDS.has(record?.kind) ? record : null;
  } catch {
    return null;
  }
};

export interface JournalEntry {
  readonly writer: string;
  readonly sequence: number;
  /** The record as JSON text, unchanged since the append. */
  readonly text: string;
}

/** The outcome of an intent whose writer died: the facts known before the provider got the call. */
export const abandonedOutcome = (intent: CallRecord, intent_sequence: number): CallRecord => ({
  ...intent,
  kind: 'outcome',
  intent_sequence,
});
