import { createTask } from 'node-cron';
import { instantOf, systemClock } from '../core/clock.ts';
import { type NewestRun, newestRuns } from '../modules/jobs-admin/service.ts';
import type { Config } from '../server/config.ts';
import { JOBS } from '../server/jobs.ts';
import { runCommand } from './command.ts';

const HEADINGS = ['job', 'schedule (UTC)', 'next run', 'last run', 'outcome', 'rows'];

/** `onevault jobs`: lists the jobs with their schedules and newest runs; the exit code is 1 if one of these failed. */
export const jobsCommand = (config: Config): Promise<void> =>
  runCommand(config, { name: 'jobs', max_connections: 1 }, async ({ sql }) => {
    const runs = new Map((await newestRuns(sql)).map((run) => [run.job_name, run]));
    const rows = JOBS.map(({ name, schedule }) => rowOf(name, schedule, runs.get(name)));
    const widths = HEADINGS.map((heading, at) => Math.max(heading.length, ...rows.map((row) => row[at]!.length)));
    for (const row of [HEADINGS, ...rows]) {
      console.log(
        row
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join('  ')
          .trimEnd(),
      );
    }
    const failed = JOBS.flatMap(({ name }) => {
      const run = runs.get(name);
      return run?.outcome === 'FAILED' ? [run] : [];
    });
    for (const { job_name, logical_instant, error_message } of failed) {
      console.log(`\n${job_name} failed for ${logical_instant}: ${error_message ?? 'no reason was recorded'}`);
    }
    if (failed.length > 0) process.exitCode = 1;
  });

const rowOf = (name: string, schedule: string, run: NewestRun | undefined): string[] => [
  name,
  schedule,
  nextRun(schedule),
  ...(run === undefined
    ? ['never', '', '']
    : [run.logical_instant, run.outcome.toLowerCase(), `${run.rows_in} in, ${run.rows_out} out`]),
];

const MINUTE_MS = 60_000;
// Longer than the distance of any schedule's instants.
const MAX_MINUTES = 32 * 24 * 60;

const nextRun = (schedule: string): string => {
  const task = createTask(schedule, () => undefined, { timezone: 'UTC' });
  try {
    const now_ms = systemClock.now();
    for (let minutes = 1; minutes <= MAX_MINUTES; minutes += 1) {
      const at_ms = now_ms - (now_ms % MINUTE_MS) + minutes * MINUTE_MS;
      if (task.match(new Date(at_ms))) return instantOf(at_ms);
    }
    return 'in more than a month';
  } finally {
    void task.destroy();
  }
};
