import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import type { Sql } from '../postgres/connect.ts';
import type { Load } from '../vault/load.ts';
import type { RowBuilder } from '../vault/rows.ts';
import { writeVault } from '../vault/write.ts';
import { type AuditEvent, eventRows } from './event.ts';

/** An event without its id, which its writer makes. */
export type NewEvent = Omit<AuditEvent, 'event_id'>;

/** Writes an event in a transaction of its own; it is on disk when the promise resolves. */
export type RecordEvent = (event: NewEvent) => Promise<void>;

export interface EventRecorderDeps {
  readonly sql: Sql;
  readonly load: Load;
  readonly rows: RowBuilder;
  readonly clock: Clock;
  readonly nextId: NextId;
}

/**
 * A recorder of events without other rows: reads, refusals, commands.
 * @param record_source the part of the product that records
 * @returns a function that rejects when the vault refuses the event or cannot be written
 */
export const createEventRecorder =
  ({ sql, load, rows, clock, nextId }: EventRecorderDeps, record_source: string): RecordEvent =>
  (event) =>
    writeVault(sql, clock, async (tx, load_date) => {
      const stamp = { load_date, applied_date: load_date, record_source };
      const { refused } = await load(tx, eventRows(rows, { ...event, event_id: nextId() }, stamp));
      if (refused > 0) throw new Error(`the vault refused the audit event ${event.action}`);
    });
