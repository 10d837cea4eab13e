import type { Clock } from '../../core/clock.ts';
import { type Watermark, watermarkOf } from '../../core/watermark.ts';
import type { Sql } from '../../postgres/connect.ts';
import { createLoader } from '../../vault/load.ts';
import type { Registry } from '../../vault/registry.ts';
import { type Content, createRowBuilder } from '../../vault/rows.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { writeVault } from '../../vault/write.ts';

/** Writes the row of a run into job_run_s. Throws Error when the vault refuses it. */
export const recordRun = async (
  { sql, registry, clock }: { sql: Sql; registry: Registry; clock: Clock },
  run: Content<'job_run_s'>,
): Promise<void> => {
  const rows = createRowBuilder(registry);
  const load = createLoader({ registry, now: clock.now });
  const { refused } = await writeVault(sql, clock, (tx, load_date) => {
    const stamp = { load_date, applied_date: run.started_at, record_source: 'pipeline.run-job' };
    const key = { job_run_bk: `${run.job_name}/${run.logical_instant}` };
    return load(tx, [
      rows.hub('job_run_h', key, stamp),
      rows.satellite('job_run_s', rows.hubKey('job_run_h', key), run, stamp),
    ]);
  });
  if (refused > 0) throw new Error(`the vault refused the row of the run ${run.job_name}/${run.logical_instant}`);
};

/** The watermark of the last successful run of a job; null if no run has succeeded yet. */
export const lastWatermark = async (sql: Sql | Transaction, job: string): Promise<Watermark | null> => {
  const [row] = await sql<{ input_watermark: unknown }[]>`
    select s.input_watermark
    from ops.job_run_s s
    where s.job_name = ${job}
      and s.outcome = 'SUCCEEDED'
    order by s.load_date desc, s.started_at desc
    limit 1`;
  return watermarkOf(row?.input_watermark);
};

/**
 * The newest logical instant up to `now` at which a job succeeded; null without a success. Runs for an instant that
 * lies ahead, as those that close a month early, leave the instants until then to come.
 */
export const lastInstant = async (sql: Sql, job: string, now: string): Promise<string | null> => {
  const [row] = await sql<{ logical_instant: string | null }[]>`
    select max(s.logical_instant) as logical_instant
    from ops.job_run_s s
    where s.job_name = ${job}
      and s.outcome = 'SUCCEEDED'
      and s.logical_instant <= ${now}`;
  return row?.logical_instant ?? null;
};

/** The instant at which this installation got its first API key; null before. */
export const firstUse = async (sql: Sql): Promise<string | null> => {
  const [row] = await sql<{ began: string | null }[]>`
    select min(load_date) as began
    from auth.api_key_h
    where api_key_bk <> 'unknown'`;
  return row?.began ?? null;
};

/** The newest run of a job. */
export interface NewestRun {
  readonly job_name: string;
  readonly logical_instant: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly outcome: 'SUCCEEDED' | 'FAILED';
  readonly rows_in: number;
  readonly rows_out: number;
  readonly error_message: string | null;
}

/** The newest run of each job that ever ran, by the job's name. */
export const newestRuns = async (sql: Sql): Promise<NewestRun[]> => [
  ...(await sql<NewestRun[]>`
    select distinct on (job_name)
      job_name, logical_instant, started_at, ended_at, outcome, rows_in, rows_out, error_message
    from ops.job_run_s
    where job_name <> 'unknown'
    order by job_name, started_at desc, load_date desc`),
];
