import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isConnectionError } from '../../src/postgres/connect.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const ROUNDS = 30;

// What patches/postgres+*.patch is for: without it the first round ends this process.
describe('the PostgreSQL driver, when a connection dies', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const kill = (pid: number): Promise<unknown> => database.sql`select pg_terminate_backend(${pid})`;

  /** A statement may be sent just before the same death is noticed: it is rejected then, and the next one is not. */
  const again = async <T>(ask: () => PromiseLike<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      return ask();
    }
  };

  it('rejects the transaction and goes on with the next one, every time', async () => {
    const sql = connect(database.url, { max_connections: 2 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const dying = sql.begin(async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        const asleep = tx`select pg_sleep(5)`.execute();
        await sleep(5);
        await kill(row!.pid);
        await asleep;
      });
      await assert.rejects(dying, isConnectionError);
      const rows = await again(() => sql.begin((tx) => tx<{ n: number }[]>`select n from generate_series(1, 3) n`));
      assert.deepEqual([...rows], [{ n: 1 }, { n: 2 }, { n: 3 }]);
    }
    await sql.end();
  });

  it('rejects a statement between two others of a transaction, and its rollback', async () => {
    const sql = connect(database.url, { max_connections: 1 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const dying = sql.begin(async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await kill(row!.pid);
        await sleep(5);
        await tx`select 1`;
      });
      await assert.rejects(dying, isConnectionError);
      assert.deepEqual([...(await again(() => sql`select ${round}::int as round`))], [{ round }]);
    }
    await sql.end();
  });

  it('gives each of many pipelined statements its own rows while connections die', async () => {
    const sql = connect(database.url, { max_connections: 3 });
    let answered = 0;
    const asking = Array.from({ length: 400 }, async (_, n) => {
      await sleep(n);
      try {
        assert.deepEqual(
          [...(await sql`select ${n}::int as n, pg_sleep(0.002) is null as slept`)],
          [{ n, slept: false }],
        );
        answered += 1;
      } catch (error) {
        assert.ok(isConnectionError(error), String(error));
      }
    });
    for (let round = 0; round < ROUNDS; round += 1) {
      await sleep(15);
      await database.sql`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database() and application_name = 'onevault' and pid <> pg_backend_pid()
        limit 1`;
    }
    await Promise.all(asking);
    assert.ok(answered > 100, `${answered} statements were answered`);
    await sql.end();
  });
});
