import type { NewEvent } from '../audit/record-event.ts';
import type { CommandDeps } from './command.ts';

/** The action of a command, and its subject. */
export type CommandEvent = Pick<NewEvent, 'action' | 'subject_kind'> &
  Partial<Pick<NewEvent, 'subject' | 'customers' | 'reason' | 'after'>>;

type Recorder = Pick<CommandDeps, 'actor' | 'record'>;

// Messages may quote the input; names of errors do not.
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'Error');

/**
 * Runs a command and records its outcome.
 * @param outcome adds to the event of a success, because a completed check may have found faults
 * @throws the error of `work`, after it is recorded
 */
export const withCommandEvent = async <T>(
  command: Recorder,
  event: CommandEvent,
  work: () => Promise<T>,
  outcome: (result: T) => Pick<CommandEvent, 'after'> = () => ({}),
): Promise<T> => {
  const result = await withFailureEvent(command, event, work);
  await command.record({ ...command.actor, ...event, outcome: 'succeeded', ...outcome(result) });
  return result;
};

/**
 * Runs `work`, which records its own success, and records its failure.
 * @throws the error of `work`, after it is recorded
 */
export const withFailureEvent = async <T>(
  { actor, record }: Recorder,
  event: CommandEvent,
  work: () => Promise<T>,
  reasonOf: (error: unknown) => string = nameOf,
): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    await record({ ...actor, ...event, outcome: 'failed', reason: reasonOf(error) });
    throw error;
  }
};
