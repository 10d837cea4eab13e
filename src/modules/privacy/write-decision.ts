import { eventRows } from '../../audit/event.ts';
import type { NewEvent } from '../../audit/record-event.ts';
import type { Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';
import type { PrivacyDeps } from './deps.ts';

/** The rows of a decision, and its audit event under an id of its own. */
export interface Decision {
  readonly rows: readonly VaultRow[];
  readonly event: NewEvent;
  readonly event_id: string;
}

const RECORD_SOURCE = 'control.privacy';

/**
 * Writes a decision with its event, both or neither.
 * @param decide returns null if it has nothing to write; an error that it throws rolls everything back
 */
export const writeDecision = (
  { sql, clock, rows, load }: PrivacyDeps,
  decide: (tx: Transaction, stamp: Stamp) => Promise<Decision | null>,
): Promise<void> =>
  writeVault(sql, clock, async (tx, load_date) => {
    const stamp = { load_date, applied_date: load_date, record_source: RECORD_SOURCE };
    const decision = await decide(tx, stamp);
    if (decision === null) return;
    const event_rows = eventRows(rows, { ...decision.event, event_id: decision.event_id }, stamp);
    const { refused } = await load(tx, [...decision.rows, ...event_rows]);
    if (refused > 0) throw new Error(`the vault refused ${refused} rows of ${decision.event.action}`);
  });
