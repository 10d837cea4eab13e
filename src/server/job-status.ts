import { Gauge, type Registry as MetricsRegistry } from 'prom-client';
import { within } from '../core/deadline.ts';
import type { Log } from '../core/log.ts';
import type { Dependency } from '../http/health.ts';
import { type NewestRun, newestRuns } from '../modules/jobs-admin/service.ts';
import type { Sql } from '../postgres/connect.ts';

const TIMEOUT_MS = 2_000;

/** The newest run of each job. @throws after two seconds without an answer of the database */
const readRuns = (sql: Sql): Promise<NewestRun[]> => within(TIMEOUT_MS, newestRuns(sql));

/** `/health/dependencies` of the jobs: degraded while the newest run of one has failed. */
export const jobDependency = async (sql: Sql): Promise<Dependency> => {
  let failed: NewestRun[];
  try {
    failed = (await readRuns(sql)).filter(({ outcome }) => outcome === 'FAILED');
  } catch {
    return { status: 'down', detail: 'The runs of jobs cannot be read now.' };
  }
  if (failed.length === 0) return { status: 'up' };
  // The page needs no key, and error texts may quote data.
  const named = failed.map(({ job_name, logical_instant }) => `${job_name} (${logical_instant})`);
  return { status: 'degraded', detail: `Failed, and repeated: ${named.join(', ')}. "onevault jobs" shows the errors.` };
};

interface JobMetricsDeps {
  readonly metrics: MetricsRegistry;
  readonly sql: Sql;
  readonly log: Log;
}

/** Registers the state of the jobs. Read when scraped; without the database the values are absent. */
export const registerJobMetrics = ({ metrics, sql, log }: JobMetricsDeps): void => {
  new Gauge({
    name: 'onevault_job_failed',
    help: '1 if the newest run of a job failed, else 0.',
    labelNames: ['job'],
    registers: [metrics],
    async collect() {
      this.reset();
      const runs = await readRuns(sql).catch((err: unknown) => {
        log.debug({ err }, 'the runs of jobs cannot be read now');
        return [];
      });
      for (const { job_name, outcome } of runs) this.set({ job: job_name }, outcome === 'FAILED' ? 1 : 0);
    },
  });
};
