import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantOf } from '../core/clock.ts';
import { InputError } from '../core/input-error.ts';
import type { JobResult } from '../core/job.ts';
import type { ModuleJob } from '../modules/job-context.ts';
import { lastWatermark, recordRun } from '../modules/jobs-admin/service.ts';
import { connect, type Sql } from '../postgres/connect.ts';
import { JobBusyError, withLease } from '../postgres/lease.ts';
import { isVaultInstant } from '../vault/row-schema.ts';
import type { JobDeps } from './deps.ts';
import { isTransient, JobCancelledError } from './job-errors.ts';

export interface JobRun extends JobResult {
  readonly job: string;
  readonly at: string;
  readonly attempt: number;
  readonly started_at: string;
  readonly ended_at: string;
}

export interface RunInput {
  /** The logical instant, ISO 8601, UTC. */
  readonly at: string;
  /** True if `at` may lie in the future: this closes a month early, and later usage goes to the next invoice. */
  readonly allow_future?: boolean;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
}

const MAX_ATTEMPTS = 4;
// PostgreSQL restarts within seconds. After a longer outage the next instant covers this one.
const FIRST_DELAY_MS = 500;
const MAX_ERROR_LENGTH = 2_000;
const WORK_CONNECTIONS = 4;
// A month may be closed before its end. Whatever lies further ahead is a slip of the pen that no later run undoes.
const MAX_AHEAD_MS = 62 * 86_400_000;

/**
 * Runs a job for a logical instant: on one instance only, cancelled after its timeout, retried after faults of
 * connection and serialization, and always recorded in job_run_s.
 * @throws InputError (unknown job, invalid instant), JobBusyError, JobCancelledError, or the job's own error
 */
export const runJob = async (deps: JobDeps, name: string, input: RunInput): Promise<JobRun> =>
  runAnyJob(deps, findJob(deps, name), input);

/** The same for a job that is not in the list. */
export const runAnyJob = async (deps: JobDeps, job: ModuleJob, input: RunInput): Promise<JobRun> => {
  const at = checkInstant(deps, input);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(deps, job, { ...input, at }, attempt);
    } catch (error) {
      const is_last = attempt === MAX_ATTEMPTS || input.signal?.aborted === true;
      if (!isTransient(error) || is_last) throw error;
      deps.log.warn({ job: job.name, at, attempt, err: error }, 'job failed; it is run again');
      await sleep(FIRST_DELAY_MS * 2 ** (attempt - 1));
    }
  }
};

const findJob = ({ jobs }: JobDeps, name: string): ModuleJob => {
  const job = jobs.find((each) => each.name === name);
  if (job === undefined) {
    throw new InputError(`there is no job "${name}"; there are: ${jobs.map((each) => each.name).join(', ')}`);
  }
  return job;
};

const checkInstant = ({ clock }: JobDeps, { at, allow_future = false }: RunInput): string => {
  if (!isVaultInstant(at)) throw new InputError(`${at} is not an instant; write it as 2026-11-21T10:05:00Z`);
  if (!allow_future && Date.parse(at) > clock.now()) {
    throw new InputError(`${at} lies in the future (it is ${instantOf(clock.now())}): use an instant that has passed`);
  }
  if (Date.parse(at) > clock.now() + MAX_AHEAD_MS) {
    throw new InputError(`${at} lies more than 62 days ahead (it is ${instantOf(clock.now())}): check the year`);
  }
  return instantOf(Date.parse(at));
};

const runOnce = async (deps: JobDeps, job: ModuleJob, input: RunInput, attempt: number): Promise<JobRun> => {
  const { clock, registry, log } = deps;
  const application_name = `onevault job ${job.name} ${randomBytes(4).toString('hex')}`;
  const control = connect(deps.database_url, {
    application_name: `${application_name} control`,
    max_connections: 1,
  });
  const lease = {
    database_url: deps.database_url,
    job: job.name,
    application_name: `${application_name} lease`,
  };
  try {
    return await withLease(lease, async () => {
      const started_at = instantOf(clock.now());
      const record = (outcome: Partial<JobResult> & { error?: unknown }): Promise<void> =>
        recordRun(
          { sql: control, registry, clock },
          rowOf(job, input.at, attempt, started_at, instantOf(clock.now()), outcome),
        );
      try {
        const previous = await lastWatermark(control, job.name);
        const result = await cancellable(deps, control, application_name, job, input, (sql) =>
          job.run({ ...deps, sql, at: input.at, previous }),
        );
        await record(result);
        return {
          ...result,
          job: job.name,
          at: input.at,
          attempt,
          started_at,
          ended_at: instantOf(clock.now()),
        };
      } catch (error) {
        await record({ error }).catch((fault: unknown) =>
          log.error({ job: job.name, err: fault }, 'a failed run was not recorded'),
        );
        throw error;
      }
    });
  } catch (error) {
    if (!(error instanceof JobBusyError)) log.error({ job: job.name, at: input.at, attempt, err: error }, 'job failed');
    throw error;
  } finally {
    await control.end({ timeout: 1 });
  }
};

type JobBody = (sql: Sql) => Promise<JobResult>;

/** Runs `work` on its own pool. PostgreSQL cancels its statements on timeout or when the signal fires. */
const cancellable = async (
  deps: JobDeps,
  control: Sql,
  application_name: string,
  job: ModuleJob,
  { signal }: RunInput,
  work: JobBody,
): Promise<JobResult> => {
  const sql = connect(deps.database_url, {
    application_name,
    max_connections: WORK_CONNECTIONS,
    statement_timeout_ms: job.timeout_ms,
  });
  const timeout = AbortSignal.timeout(job.timeout_ms);
  const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const cancel = (): void => {
    const why = timeout.aborted ? `took longer than ${job.timeout_ms} ms` : 'was stopped';
    control`
      select pg_cancel_backend(pid)
      from pg_stat_activity
      where application_name = ${application_name}
        and datname = current_database()`
      .catch(() => undefined)
      .then(() => sql.end({ timeout: 0 }))
      .finally(() => reject(new JobCancelledError(`the job ${job.name} ${why}`)));
  };
  if (stop.aborted) cancel();
  else stop.addEventListener('abort', cancel, { once: true });
  try {
    return await Promise.race([work(sql), stopped]);
  } catch (error) {
    // The error of a cancelled statement does not name the reason of the cancellation.
    if (stop.aborted) return await stopped;
    throw error;
  } finally {
    stop.removeEventListener('abort', cancel);
    await sql.end({ timeout: 1 });
  }
};

const rowOf = (
  { name }: ModuleJob,
  logical_instant: string,
  attempt: number,
  started_at: string,
  ended_at: string,
  result: Partial<JobResult> & { error?: unknown },
) => ({
  job_name: name,
  logical_instant,
  started_at,
  ended_at,
  outcome: 'error' in result ? ('FAILED' as const) : ('SUCCEEDED' as const),
  attempt,
  rows_in: result.rows_in ?? 0,
  rows_out: result.rows_out ?? 0,
  input_watermark: {
    ...result.input_watermark,
    ...((result.left_undone?.length ?? 0) > 0 ? { left_undone: result.left_undone } : {}),
  },
  sql_sha256: result.sql_sha256 ?? null,
  error_message: 'error' in result ? messageOf(result.error) : null,
});

const messageOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  // The vault accepts neither NUL nor half of a surrogate pair, which the cut can leave.
  return message.replaceAll('\0', '\u2400').slice(0, MAX_ERROR_LENGTH).toWellFormed();
};
