import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedClock, systemClock } from '../../src/core/clock.ts';
import type { JobResult } from '../../src/core/job.ts';
import { missedInstants } from '../../src/jobs/missed-instants.ts';
import { runAnyJob } from '../../src/jobs/run-job.ts';
import { startSchedule } from '../../src/jobs/schedule.ts';
import type { ModuleJob } from '../../src/modules/job-context.ts';
import { jobDeps } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/http.ts';

const NOW_MS = Date.parse('2026-11-21T10:07:30Z');

describe('the missed instants of a job', () => {
  it('are all instants of its schedule since the last success, up to now', () => {
    const monthly = { schedule: '15 0 1 * *', catch_up: 'each' } as const;
    assert.deepEqual(missedInstants(monthly, '2026-08-01T00:15:00.000Z', NOW_MS), [
      '2026-09-01T00:15:00.000Z',
      '2026-10-01T00:15:00.000Z',
      '2026-11-01T00:15:00.000Z',
    ]);
  });

  it('are reduced to the latest if one run covers all earlier ones', () => {
    const often = { schedule: '*/5 * * * *', catch_up: 'latest' } as const;
    assert.deepEqual(missedInstants(often, '2026-11-20T00:00:00.000Z', NOW_MS), ['2026-11-21T10:05:00.000Z']);
    assert.deepEqual(missedInstants(often, '2026-11-21T10:05:00.000Z', NOW_MS), []);
  });

  it('are empty if the job never ran, or ran ahead of time', () => {
    const often = { schedule: '*/5 * * * *', catch_up: 'each' } as const;
    assert.deepEqual(missedInstants(often, null, NOW_MS), []);
    assert.deepEqual(missedInstants(often, '2026-12-01T00:00:00.000Z', NOW_MS), []);
  });
});

describe('the job schedule', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const result = (at: string): JobResult => ({
    rows_in: 0,
    rows_out: 0,
    input_watermark: { writers: {}, known: at, at },
    sql_sha256: null,
  });

  it('runs the instants that were missed during a downtime, in order', async () => {
    const seen: string[] = [];
    const job: ModuleJob = {
      name: 'trial',
      schedule: '0 * * * *',
      catch_up: 'each',
      timeout_ms: 10_000,
      run: async ({ at }) => {
        seen.push(at);
        return result(at);
      },
    };
    await runAnyJob(jobDeps(database, fixedClock('2026-11-21T07:00:01Z')), job, {
      at: '2026-11-21T07:00:00Z',
    });
    const schedule = startSchedule(jobDeps(database, fixedClock('2026-11-21T10:07:30Z')), [job]);
    await schedule.caught_up;
    await schedule.stop(1_000);
    assert.deepEqual(
      seen,
      [7, 8, 9, 10].map((hour) => `2026-11-21T${String(hour).padStart(2, '0')}:00:00.000Z`),
    );
  });

  const monthly = (seen: string[]): ModuleJob => ({
    name: 'trial',
    schedule: '15 0 1 * *',
    catch_up: 'each',
    timeout_ms: 10_000,
    run: async ({ at }) => {
      seen.push(at);
      return result(at);
    },
  });
  const runMissed = async (job: ModuleJob, now: string): Promise<void> => {
    const schedule = startSchedule(jobDeps(database, fixedClock(now)), [job]);
    await schedule.caught_up;
    await schedule.stop(1_000);
  };

  it('runs the instants that a job which never ran has missed since the first API key was made', async () => {
    const seen: string[] = [];
    await runMissed(monthly(seen), '2026-11-21T10:07:30Z');
    assert.deepEqual(seen, [], 'nobody has used the product');
    await database.sql`
      insert into auth.api_key_h (api_key_hk, load_date, api_key_bk, record_source)
      values (sha256('first'), '2026-09-20T00:00:00Z', 'first', 'test')`;
    await runMissed(monthly(seen), '2026-11-21T10:07:30Z');
    assert.deepEqual(seen, ['2026-10-01T00:15:00.000Z', '2026-11-01T00:15:00.000Z']);
  });

  it('runs missed instants also after a run for an instant ahead', async () => {
    const seen: string[] = [];
    const job = monthly(seen);
    await runAnyJob(jobDeps(database, fixedClock('2026-09-01T00:16:00Z')), job, { at: '2026-09-01T00:15:00Z' });
    const deps = jobDeps(database, fixedClock('2026-09-20T00:00:00Z'));
    await runAnyJob(deps, job, { at: '2026-10-01T00:00:00Z', allow_future: true });
    seen.length = 0;
    await runMissed(job, '2026-09-21T00:00:00Z');
    assert.deepEqual(seen, []);
    await assert.rejects(
      runAnyJob(deps, job, { at: '2098-10-01T00:00:00Z', allow_future: true }),
      /lies more than 62 days ahead .* check the year/,
    );
    await runMissed(job, '2026-10-21T00:00:00Z');
    assert.deepEqual(seen, ['2026-10-01T00:15:00.000Z']);
  });

  it('repeats a failed run until it succeeds, without waiting for its next instant', async () => {
    let runs = 0;
    const job: ModuleJob = {
      ...monthly([]),
      run: async ({ at }) => {
        runs += 1;
        if (runs < 4) throw new Error(`fails ${runs}`);
        return result(at);
      },
    };
    const deps = jobDeps(database, fixedClock('2026-11-21T10:07:30Z'));
    await database.sql`
      insert into auth.api_key_h (api_key_hk, load_date, api_key_bk, record_source)
      values (sha256('first'), '2026-10-20T00:00:00Z', 'first', 'test')`;
    const schedule = startSchedule(deps, [job], [1, 2]);
    const outcomes = async (): Promise<string[]> =>
      (
        await database.sql<{ outcome: string }[]>`
          select outcome from ops.job_run_s where job_name = 'trial' order by load_date`
      ).map(({ outcome }) => outcome);
    await until(async () => (await outcomes()).length === 4, 'the fourth run is recorded');
    await schedule.stop(1_000);
    assert.deepEqual(await outcomes(), ['FAILED', 'FAILED', 'FAILED', 'SUCCEEDED']);
  });

  it('starts runs at its instants and, when stopped, waits for a current run up to the timeout', async function () {
    this.timeout(300_000);
    const { promise: started, resolve: start } = Promise.withResolvers<string>();
    const job: ModuleJob = {
      name: 'trial',
      // The expression has a field for seconds, so that the test does not wait for a minute.
      schedule: '* * * * * *',
      catch_up: 'latest',
      timeout_ms: 10_000,
      run: async ({ at, sql }) => {
        start(at);
        await sql`select pg_sleep(60)`;
        return result(at);
      },
    };
    const schedule = startSchedule(jobDeps(database, systemClock), [job]);
    assert.match(await started, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
    await sleep(50);
    await schedule.stop(200);
    const [run] = await database.sql`select s.outcome from ops.job_run_s s where s.job_name = 'trial'`;
    assert.equal(run?.outcome, 'FAILED');
  });
});
