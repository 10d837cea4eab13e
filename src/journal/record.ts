import type { CallRecord } from './call-record.generated.ts';

export type {
  Attempt,
  CallFacts,
  CallRecord,
  RatingFacts,
  RouteFacts,
  SessionFacts,
} from './call-record.generated.ts';

export const SCHEMA_VERSION = 1;

/**
 * What stands at a sequence: a call's record, or a void, which says that the record of this sequence never
 * reached the disk and so was never acknowledged. Voids keep a crashed writer's sequence gapless.
 */
export type JournalRecord = CallRecord | { readonly kind: 'void'; readonly reason: string };

const KINDS: ReadonlySet<unknown> = new Set(['intent', 'outcome', 'void'] satisfies JournalRecord['kind'][]);

/** The record that an entry's text holds, of whatever schema version; null where it holds none. */
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
  /** The record as JSON text, as it was appended. */
  readonly text: string;
}

/** The outcome that an intent stands for when its writer died: what was written before the provider saw the call. */
export const abandonedOutcome = (intent: CallRecord, intent_sequence: number): CallRecord => ({
  ...intent,
  kind: 'outcome',
  intent_sequence,
});
