import { userInfo } from 'node:os';
import type { Actor } from '../audit/event.ts';
import { createEventRecorder, type NewEvent, type RecordEvent } from '../audit/record-event.ts';
import { systemClock } from '../core/clock.ts';
import { createIds } from '../core/ids.ts';
import type { Sql } from '../postgres/connect.ts';
import { createLoader } from '../vault/load.ts';
import type { Registry } from '../vault/registry.ts';
import { createRowBuilder } from '../vault/rows.ts';

/** Who runs a command: the user of this machine, by name, or by number where it has none. */
export const commandActor = (): Actor => {
  try {
    return { actor_kind: 'command', actor: userInfo().username };
  } catch {
    return { actor_kind: 'command', actor: `uid ${process.getuid?.() ?? 'unknown'}` };
  }
};

/** Writes audit events of commands. */
export const createCommandRecorder = (sql: Sql, registry: Registry): RecordEvent =>
  createEventRecorder(
    {
      sql,
      clock: systemClock,
      nextId: createIds(systemClock),
      load: createLoader({ registry, now: systemClock.now }),
      rows: createRowBuilder(registry),
    },
    'command',
  );

/** What a command does, and to what. */
export type CommandEvent = Pick<NewEvent, 'action' | 'subject_kind'> &
  Partial<Pick<NewEvent, 'subject' | 'customers' | 'reason' | 'after'>>;

/**
 * Runs a command and tells how it ended.
 * @param outcome what the event says of a result: that a check ran through does not say that it found nothing
 * @throws what `work` throws, once that is told too
 */
export const withCommandEvent = async <T>(
  { sql, registry }: { readonly sql: Sql; readonly registry: Registry },
  event: CommandEvent,
  work: () => Promise<T>,
  outcome: (result: T) => Pick<CommandEvent, 'after'> = () => ({}),
): Promise<T> => {
  const record = createCommandRecorder(sql, registry);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // Messages may quote what was given; names of errors do not.
    const reason = error instanceof Error ? error.name : 'Error';
    await record({ ...commandActor(), ...event, outcome: 'failed', reason });
    throw error;
  }
  await record({ ...commandActor(), ...event, outcome: 'succeeded', ...outcome(result) });
  return result;
};
