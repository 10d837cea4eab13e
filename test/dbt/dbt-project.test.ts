import assert from 'node:assert/strict';
import { fixedClock } from '../../src/core/clock.ts';
import { parseProject } from '../../src/dbt/project/parse-project.ts';
import { buildProject } from '../../src/dbt/run/build-project.ts';
import { runJob } from '../../src/jobs/run-job.ts';
import { addCustomer, createCallFeed, jobDeps } from '../support/calls.ts';
import { createTestDatabase } from '../support/database.ts';

describe("the product's dbt project", () => {
  it('builds completely and passes its own tests, also repeatedly and while jobs run', async function () {
    this.timeout(300_000);
    const database = await createTestDatabase();
    try {
      const clock = fixedClock('2026-11-21T12:00:00Z');
      const deps = jobDeps(database, clock);
      await addCustomer(database.sql, { customer: 'acme', budget: '1' });
      await createCallFeed(database.sql, clock).send([
        { request_timestamp: '2026-10-05T00:00:00.000Z' },
        { request_timestamp: '2026-11-20T00:00:00.000Z' },
        {
          request_timestamp: '2026-11-21T11:00:00.000Z',
          customer: null,
          api_key: null,
          provider: null,
          model: null,
        },
      ]);
      clock.advance(1_000);
      const project = parseProject({ project_dir: deps.project_dir });
      const build = async () => {
        const built = await buildProject({
          sql: database.sql,
          project,
          target: { schema: 'derived' },
          at: '2026-11-21T12:00:00Z',
        });
        assert.deepEqual(
          built.results.filter(({ status }) => !['success', 'pass'].includes(status)),
          [],
        );
        const [row] = await database.sql`select count(*) as calls from derived_staging.stg_calls`;
        assert.equal(row?.calls, 3);
      };
      await build();
      for (const job of ['performance-windows', 'spend'])
        assert.notEqual((await runJob(deps, job, { at: '2026-11-21T12:00:00Z' })).rows_out, 0);
      await build();
    } finally {
      await database.drop();
    }
  });
});
