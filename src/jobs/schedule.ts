import { setTimeout as sleep } from 'node:timers/promises';
import { schedule as cron } from 'node-cron';
import { instantOf } from '../core/clock.ts';
import { createStateLog } from '../core/state-log.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import { firstUse, lastInstant } from '../modules/jobs-admin/service.ts';
import { connect } from '../postgres/connect.ts';
import { JobBusyError } from '../postgres/lease.ts';
import type { JobDeps } from './deps.ts';
import { missedInstants } from './missed-instants.ts';
import { runAnyJob } from './run-job.ts';

export interface Schedule {
  /** Resolves when all instants that were missed during the downtime have run. */
  readonly caught_up: Promise<void>;
  /** Starts no more runs, and waits at most `timeout_ms` for current ones; then it cancels them. */
  stop(timeout_ms: number): Promise<void>;
}

const RETRY_CATCH_UP_MS = 10_000;
/** Waits before a failed run is repeated; the last one holds for all further repetitions. */
const RETRY_DELAYS_MS = [60_000, 300_000, 900_000, 3_600_000];
const MINUTE_MS = 60_000;

/**
 * Starts every job by its schedule in UTC, after running the instants missed since the job's last success, or since the
 * installation's beginning. A failed run is logged, recorded and repeated, until a later instant covers it. Runs of one
 * job never overlap.
 */
export const startSchedule = (
  deps: JobDeps,
  jobs: readonly ModuleJob[] = deps.jobs,
  retry_delays_ms: readonly number[] = RETRY_DELAYS_MS,
): Schedule => {
  const { log } = deps;
  const stopping = new AbortController();
  const cancelling = new AbortController();
  const queues = new Map<string, Promise<void>>();
  const newest = new Map<string, string>();
  const retries = new Set<NodeJS.Timeout>();

  /** @returns false if the run failed */
  const run = async (job: ModuleJob, at: string): Promise<boolean> => {
    if (stopping.signal.aborted) return true;
    try {
      const { rows_in, rows_out } = await runAnyJob(deps, job, { at, signal: cancelling.signal });
      log.info({ job: job.name, at, rows_in, rows_out }, 'job done');
      return true;
    } catch (error) {
      // All other errors are logged where they occur.
      if (!(error instanceof JobBusyError)) return false;
      log.debug({ job: job.name, at, reason: error.message }, 'job left to another');
      return true;
    }
  };
  const retryLater = (job: ModuleJob, at: string, failures: number): void => {
    const is_covered = job.catch_up === 'latest' && newest.get(job.name) !== at;
    const delay_ms = retry_delays_ms[Math.min(failures, retry_delays_ms.length) - 1];
    if (stopping.signal.aborted || is_covered || delay_ms === undefined) return;
    log.warn({ job: job.name, at, failures, delay_ms }, 'a failed job is repeated later');
    const timer = setTimeout(() => {
      retries.delete(timer);
      void enqueue(job, at, failures);
    }, delay_ms);
    retries.add(timer);
  };
  const enqueue = (job: ModuleJob, at: string, failures = 0): Promise<void> => {
    if (at > (newest.get(job.name) ?? '')) newest.set(job.name, at);
    const done = (queues.get(job.name) ?? Promise.resolve()).then(async () => {
      if (!(await run(job, at))) retryLater(job, at, failures + 1);
    });
    queues.set(job.name, done);
    return done;
  };
  const tasks = jobs.map((job) =>
    cron(job.schedule, ({ date }) => enqueue(job, instantOf(date.getTime() - (date.getTime() % MINUTE_MS))), {
      timezone: 'UTC',
      name: `onevault ${job.name}`,
    }),
  );
  const caught_up = catchUp(deps, jobs, enqueue, stopping.signal);
  return {
    caught_up,
    async stop(timeout_ms) {
      stopping.abort();
      for (const timer of retries) clearTimeout(timer);
      await Promise.all(tasks.map((task) => task.destroy()));
      const idle = Promise.all([caught_up, ...queues.values()]);
      const bound = new AbortController();
      const is_idle = await Promise.race([
        idle.then(() => true),
        sleep(timeout_ms, false, { signal: bound.signal }).catch(() => false),
      ]);
      bound.abort();
      if (is_idle) return;
      log.warn({ timeout_ms }, 'jobs did not end in time and are cancelled');
      cancelling.abort();
      await idle;
    },
  };
};

const catchUp = async (
  deps: JobDeps,
  jobs: readonly ModuleJob[],
  enqueue: (job: ModuleJob, at: string) => Promise<void>,
  stopping: AbortSignal,
): Promise<void> => {
  const state = createStateLog(deps.log, {
    bad: 'the missed instants cannot be read now; retrying',
    good: 'the missed instants are read',
  });
  while (!stopping.aborted) {
    try {
      const missed = await readMissed(deps, jobs);
      state.succeeded();
      await Promise.all(missed.map(({ job, at }) => enqueue(job, at)));
      return;
    } catch (error) {
      state.failed({ err: error });
      await sleep(RETRY_CATCH_UP_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
};

const readMissed = async (deps: JobDeps, jobs: readonly ModuleJob[]): Promise<{ job: ModuleJob; at: string }[]> => {
  const sql = connect(deps.database_url, { application_name: 'onevault schedule', max_connections: 1 });
  try {
    const missed: { job: ModuleJob; at: string }[] = [];
    const now = instantOf(deps.clock.now());
    const began = await firstUse(sql);
    for (const job of jobs) {
      const last = (await lastInstant(sql, job.name, now)) ?? began;
      for (const at of missedInstants(job, last, deps.clock.now())) missed.push({ job, at });
    }
    return missed;
  } finally {
    await sql.end({ timeout: 1 });
  }
};
