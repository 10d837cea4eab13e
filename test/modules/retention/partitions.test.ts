import assert from 'node:assert/strict';
import { fixedClock } from '../../../src/core/clock.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import { jobDeps } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const AT = '2026-11-21T01:30:00.000Z';
const NEXT = '2026-11-22T01:30:00.000Z';

describe('the partitions job', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const daysOf = async (table: string): Promise<string[]> => {
    const found = await database.sql<{ day: string }[]>`
      select right(c.relname, 8) as day
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      where i.inhparent = ${table}::regclass
        and c.relname ~ '_p[0-9]{8}$'
      order by 1`;
    return found.map(({ day }) => day);
  };

  it('creates partitions for the day of its instant and the two weeks after it in every table, and none the second time', async () => {
    const run = async (at: string) => (await runJob(jobDeps(database, fixedClock(at)), 'partitions', { at })).rows_out;
    assert.equal(await run(AT), 5 * 15);
    for (const table of [
      'api_request_h',
      'api_request_l',
      'api_request_s',
      'api_request_route_s',
      'api_request_idempotency_s',
    ]) {
      const days = await daysOf(`gateway.${table}`);
      assert.deepEqual([days.length, days[0], days.at(-1)], [15, '20261121', '20261205'], table);
    }
    assert.equal(await run(AT), 0);
    assert.equal(await run(NEXT), 5);
    assert.equal((await daysOf('gateway.api_request_s')).at(-1), '20261206');
  });
});
