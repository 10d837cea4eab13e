import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { fixedClock, systemClock } from '../../src/core/clock.ts';
import type { JobResult } from '../../src/core/job.ts';
import { runAnyJob, runJob } from '../../src/jobs/run-job.ts';
import type { ModuleJob } from '../../src/modules/job-context.ts';
import { connect } from '../../src/postgres/connect.ts';
import { jobDeps } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const AT = '2026-11-21T10:05:00.000Z';
const RESULT: JobResult = {
  rows_in: 3,
  rows_out: 2,
  input_watermark: { writers: { w: 7 }, known: AT, at: AT },
  sql_sha256: null,
};

const jobOf = (run: ModuleJob['run'], timeout_ms = 10_000): ModuleJob => ({
  name: 'trial',
  schedule: '*/5 * * * *',
  catch_up: 'latest',
  timeout_ms,
  run,
});

describe('a run of a job', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const runs = async () => [
    ...(await database.sql`
      select h.job_run_bk, s.outcome, s.attempt, s.rows_in, s.rows_out, s.input_watermark, s.error_message
      from ops.job_run_s s
      join ops.job_run_h h using (job_run_hk)
      where s.job_name = 'trial'
      order by s.load_date, s.attempt`),
  ];

  it('is recorded with its input and output, which the next run gets', async () => {
    const deps = jobDeps(database, systemClock);
    const seen: unknown[] = [];
    const job = jobOf(async ({ previous }) => {
      seen.push(previous);
      return RESULT;
    });
    await runAnyJob(deps, job, { at: '2026-11-01T10:05:00Z' });
    await runAnyJob(deps, job, { at: '2026-11-01T10:10:00Z' });
    assert.deepEqual(seen, [null, RESULT.input_watermark]);
    const [first] = await runs();
    assert.deepEqual(first, {
      job_run_bk: 'trial/2026-11-01T10:05:00.000Z',
      outcome: 'SUCCEEDED',
      attempt: 1,
      rows_in: 3,
      rows_out: 2,
      input_watermark: RESULT.input_watermark,
      error_message: null,
    });
  });

  it('is recorded with its error when it fails, and is not repeated', async () => {
    let count = 0;
    const job = jobOf(async ({ sql }) => {
      count += 1;
      await sql`select 1 / 0`;
      return RESULT;
    });
    await assert.rejects(runAnyJob(jobDeps(database, fixedClock(AT)), job, { at: AT }), /division by zero/);
    assert.equal(count, 1);
    const [run] = await runs();
    assert.equal(run?.outcome, 'FAILED');
    assert.match(run?.error_message, /division by zero/);
  });

  it('is repeated after a serialization failure and after a loss of its connections', async () => {
    let count = 0;
    const job = jobOf(async ({ sql }) => {
      count += 1;
      if (count === 1) await sql`do $$ begin raise exception 'collided' using errcode = '40001'; end $$`;
      if (count === 2) await sql`select pg_terminate_backend(pg_backend_pid())`;
      return RESULT;
    });
    const run = await runAnyJob(jobDeps(database, systemClock), job, { at: '2026-11-01T10:05:00Z' });
    assert.deepEqual([count, run.attempt], [3, 3]);
    assert.deepEqual(
      (await runs()).map((each) => each.outcome),
      ['FAILED', 'FAILED', 'SUCCEEDED'],
    );
  });

  it('is refused while another instance runs the job, with a message that names that instance', async () => {
    const deps = jobDeps(database, fixedClock(AT));
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: release, resolve: end } = Promise.withResolvers<void>();
    const slow = jobOf(async () => {
      start();
      await release;
      return RESULT;
    });
    const first = runAnyJob(deps, slow, { at: AT });
    await started;
    await assert.rejects(
      runAnyJob(deps, slow, { at: AT }),
      /^JobBusyError: the job trial is being run by "onevault job trial [0-9a-f]{8} lease" from .* \(PostgreSQL process \d+/,
    );
    end();
    await first;
    await runAnyJob(deps, slow, { at: AT });
  });

  it('is also cancelled in PostgreSQL when it exceeds its timeout', async () => {
    const job = jobOf(async ({ sql }) => {
      await sql`select pg_sleep(60)`;
      return RESULT;
    }, 300);
    await assert.rejects(runAnyJob(jobDeps(database, fixedClock(AT)), job, { at: AT }), /took longer than 300 ms/);
    const [run] = await runs();
    assert.equal(run?.outcome, 'FAILED');
    // PostgreSQL ends a cancelled statement on its own time, and the statement itself would take a minute.
    for (let tries = 0; ; tries += 1) {
      const [left] = await database.sql<[{ sleeping: number }]>`
        select count(*) as sleeping from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and state = 'active'`;
      if (left.sleeping === 0) break;
      assert.ok(tries < 200, 'the statement goes on after its cancellation');
      await sleep(50);
    }
  });

  it('ends when its signal is aborted', async () => {
    const stop = new AbortController();
    const job = jobOf(async ({ sql }) => {
      setTimeout(() => stop.abort(), 50);
      await sql`select pg_sleep(60)`;
      return RESULT;
    });
    await assert.rejects(
      runAnyJob(jobDeps(database, fixedClock(AT)), job, { at: AT, signal: stop.signal }),
      /was stopped/,
    );
  });

  it('releases its lease when its connection dies', async () => {
    const deps = jobDeps(database, systemClock);
    const other = connect(database.url, { max_connections: 1, application_name: 'trial killer' });
    const job = jobOf(async () => {
      await other`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database() and application_name like 'onevault job trial % lease'`;
      return RESULT;
    });
    await runAnyJob(deps, job, { at: '2026-11-01T10:05:00Z' });
    await other.end();
    await runAnyJob(
      deps,
      jobOf(async () => RESULT),
      { at: '2026-11-01T10:05:00Z' },
    );
  });

  it('is refused for an unknown job and for an invalid instant', async () => {
    const deps = jobDeps(database, fixedClock(AT));
    await assert.rejects(
      runJob(deps, 'spent', { at: AT }),
      /there is no job "spent"; there are: performance-windows, spend, point-in-time, invoices/,
    );
    await assert.rejects(runJob(deps, 'spend', { at: 'yesterday' }), /yesterday is not an instant; write it as/);
    await assert.rejects(runJob(deps, 'spend', { at: '2026-02-30T00:00:00Z' }), /is not an instant/);
    await assert.rejects(runJob(deps, 'spend', { at: '2026-11-21T10:05:00.001Z' }), /lies in the future/);
    await runJob(deps, 'spend', { at: '2026-12-01T00:00:00Z', allow_future: true });
  });
});
