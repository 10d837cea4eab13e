import { createTask } from 'node-cron';
import { instantOf } from '../core/clock.ts';
import type { ModuleJob } from '../modules/job-context.ts';

const MINUTE_MS = 60_000;
// Nobody waits for older instants, and a schedule is checked minute by minute.
const MAX_LOOK_BACK_MS = 400 * 24 * 60 * MINUTE_MS;

/**
 * The instants of a job's schedule after `last` and up to now, oldest first; only the newest for `catch_up: latest`.
 * @param last the newest instant at which the job succeeded, or the beginning of the installation if it never ran;
 *   null before that, so that nothing was missed
 */
export const missedInstants = (
  { schedule, catch_up }: Pick<ModuleJob, 'schedule' | 'catch_up'>,
  last: string | null,
  now_ms: number,
): string[] => {
  if (last === null) return [];
  const task = createTask(schedule, () => undefined, { timezone: 'UTC' });
  try {
    const first_ms = Math.max(Date.parse(last), now_ms - MAX_LOOK_BACK_MS);
    const missed: string[] = [];
    for (let at_ms = now_ms - (now_ms % MINUTE_MS); at_ms > first_ms; at_ms -= MINUTE_MS) {
      if (!task.match(new Date(at_ms))) continue;
      missed.unshift(instantOf(at_ms));
      if (catch_up === 'latest') break;
    }
    return missed;
  } finally {
    void task.destroy();
  }
};
