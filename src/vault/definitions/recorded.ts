import type { Sql } from '../../postgres/connect.ts';
import type { Transaction } from '../transaction.ts';
import type { Definitions } from './read-definitions.ts';

/** The action of the audit events that record definitions. */
export const RECORD_ACTION = 'schema.record';

/** The definitions that changed, by name: their hash, or null if it is missing. */
export type Changes = Readonly<Record<string, string | null>>;

/** The state `before` or `after` of an audit event that records definitions. */
export interface RecordedState {
  readonly [key: string]: unknown;
  readonly definitions: Changes;
  /** In `after`: every migration that had run. */
  readonly migrations?: readonly string[];
}

/** The state of the recorded definitions: all recorded changes, one after another. */
export interface Recorded {
  readonly definitions: Definitions;
  /** Every migration that had run at the newest record. */
  readonly migrations: readonly string[];
}

/** The newest recorded definitions; null if none were recorded yet. */
export const readRecorded = async (sql: Sql | Transaction): Promise<Recorded | null> => {
  const events = await sql<{ after: RecordedState }[]>`
    select after
    from audit.audit_event_s
    where action = ${RECORD_ACTION} and outcome = 'succeeded'
    order by load_date, audit_event_hk`;
  if (events.length === 0) return null;
  const definitions = new Map<string, string>();
  for (const { after } of events) {
    for (const [name, hash] of Object.entries(after.definitions)) {
      if (hash === null) definitions.delete(name);
      else definitions.set(name, hash);
    }
  }
  return { definitions, migrations: events.at(-1)!.after.migrations ?? [] };
};
