import { eventRows } from '../../audit/event.ts';
import type { NewEvent } from '../../audit/record-event.ts';
import { CHANGE_CHANNEL } from '../../catalog/change-channel.ts';
import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { NextId } from '../../core/ids.ts';
import type { Sql } from '../../postgres/connect.ts';
import { microInstant } from '../../vault/instant.ts';
import type { Load } from '../../vault/load.ts';
import type { RowBuilder, Stamp, VaultRow } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';
import { RECORD_SOURCE } from '../access/audit-trail.ts';

/** The rows to write, and the audit events of their author: both are written, or neither. */
export interface Change {
  readonly rows: readonly VaultRow[];
  readonly events: readonly NewEvent[];
}

export interface SaveDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly nextId: NextId;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly refreshSnapshot: () => Promise<void>;
}

/**
 * Writes one change into the vault, notifies every gateway, and waits until the one in this process has it.
 * @param build returns the change, or null without a change; an error that it throws rolls everything back
 * @throws OneVaultError internal_error when a row does not validate; nothing is written then
 */
export const save = async (
  deps: SaveDeps,
  build: (stamp: Stamp, tx: Transaction) => Promise<Change | null> | Change | null,
  record_source: string = RECORD_SOURCE,
): Promise<void> => {
  await writeVault(deps.sql, deps.clock, async (tx, load_date) => {
    const stamp = { load_date, applied_date: load_date, record_source };
    const change = await build(stamp, tx);
    if (change === null) return;
    const event_rows = change.events.flatMap((event) =>
      eventRows(deps.rows, { ...event, event_id: deps.nextId() }, stamp),
    );
    const { refused } = await deps.load(tx, [...change.rows, ...event_rows]);
    if (refused > 0) throw new OneVaultError('internal_error', { cause: new Error(`${refused} rows refused`) });
    await tx`select pg_notify(${CHANGE_CHANNEL}, '')`;
  });
  await deps.refreshSnapshot();
};

/** Serializes changes of one resource until the transaction ends. */
export const lockName = async (tx: Transaction, name: string): Promise<void> => {
  await tx`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
};

/**
 * The stamp of a state that replaces another. Changes can wait for each other longer than a clock tick, and clocks of
 * machines differ: the later change then gets a date one microsecond after the earlier.
 */
export const stampAfter = (stamp: Stamp, before: { readonly applied_date: string }): Stamp => {
  const held = microInstant(before.applied_date);
  if (held < microInstant(stamp.applied_date)) return stamp;
  const micros = Number(held.slice(20, 26)) + 1;
  const second_ms = Date.parse(`${held.slice(0, 19)}Z`) + (micros === 1_000_000 ? 1_000 : 0);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return { ...stamp, applied_date: `${new Date(second_ms).toISOString().slice(0, 19)}.${fraction}Z` };
};
