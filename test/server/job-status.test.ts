import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { Registry as MetricsRegistry } from 'prom-client';
import { fixedClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { runAnyJob } from '../../src/jobs/run-job.ts';
import type { ModuleJob } from '../../src/modules/job-context.ts';
import { connect } from '../../src/postgres/connect.ts';
import { jobDependency, registerJobMetrics } from '../../src/server/job-status.ts';
import { jobDeps } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { temporaryPath } from '../support/server.ts';
import { runCommand } from './product-process.ts';

const AT = '2026-11-21T10:00:00.000Z';

describe('the state of the jobs', () => {
  let database: TestDatabase;
  const folder = temporaryPath();
  before(async () => {
    database = await createTestDatabase();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.drop();
  });

  const run = async (minute: number, error: Error | null): Promise<void> => {
    const job: ModuleJob = {
      name: 'spend',
      schedule: '* * * * *',
      catch_up: 'latest',
      timeout_ms: 10_000,
      run: async ({ at }) => {
        if (error !== null) throw error;
        return { rows_in: 3, rows_out: 2, input_watermark: { writers: {}, known: at, at }, sql_sha256: null };
      },
    };
    const clock = fixedClock(`2026-11-21T10:0${minute}:00Z`);
    await runAnyJob(jobDeps(database, clock), job, { at: AT }).catch((thrown) => assert.equal(thrown, error));
  };
  const metric = async (): Promise<string | undefined> => {
    const metrics = new MetricsRegistry();
    registerJobMetrics({ metrics, sql: database.sql, log: silentLog });
    return (await metrics.metrics()).split('\n').find((line) => line.startsWith('onevault_job_failed{'));
  };
  const list = () => runCommand(['jobs'], { DATABASE_URL: database.url, ONEVAULT_DATA_DIR: folder });

  it('is up before any run, and the list says that none has run', async () => {
    assert.deepEqual(await jobDependency(database.sql), { status: 'up' });
    assert.equal(await metric(), undefined);
    const { code, stdout, stderr } = await list();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^job +schedule \(UTC\) +next run +last run +outcome +rows$/m);
    assert.match(stdout, /^invoices +15 0 1 \* \* +\d{4}-\d\d-01T00:15:00\.000Z +never$/m);
  });

  it('names a job whose newest run failed in health, metrics and list, until a run succeeds', async () => {
    await run(1, null);
    await run(2, new Error('the tariff is missing'));
    const failed = await jobDependency(database.sql);
    assert.equal(failed.status, 'degraded');
    assert.match(failed.detail!, /spend \(2026-11-21T10:00:00\.000Z\)/);
    assert.doesNotMatch(failed.detail!, /tariff/, 'the page needs no key');
    assert.equal(await metric(), 'onevault_job_failed{job="spend"} 1');
    const listed = await list();
    assert.equal(listed.code, 1);
    assert.match(listed.stdout, /^spend .* 2026-11-21T10:00:00\.000Z +failed /m);
    assert.match(listed.stdout, /spend failed for 2026-11-21T10:00:00\.000Z: the tariff is missing/);
    await run(3, null);
    assert.deepEqual(await jobDependency(database.sql), { status: 'up' });
    assert.equal(await metric(), 'onevault_job_failed{job="spend"} 0');
    assert.match((await list()).stdout, /^spend .* succeeded +3 in, 2 out$/m);
  });

  it('is down while the database cannot be read', async () => {
    const unreachable = connect('postgres://nobody@127.0.0.1:1/none', { connect_timeout_s: 1 });
    assert.equal((await jobDependency(unreachable)).status, 'down');
    await unreachable.end({ timeout: 1 });
  });
});
