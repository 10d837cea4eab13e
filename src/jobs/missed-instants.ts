import { createTask } from 'node-cron';
import { instantOf } from '../core/clock.ts';
import type { ModuleJob } from '../modules/job-context.ts';

const MINUTE_MS = 60_000;
// Further back than this nobody was waiting, and a schedule is asked minute by minute.
const MAX_LOOK_BACK_MS = 400 * 24 * 60 * MINUTE_MS;

/**
 * The instants of a job's schedule after `last` and up to now, oldest first; only the latest where the job says so.
 * @param last the newest instant at which it succeeded; null when it never ran, which leaves nothing to catch up
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
