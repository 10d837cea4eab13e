import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isConnectionError } from '../../src/postgres/connect.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const ROUNDS = 30;
const LANES = 12;
const ANSWERS_A_ROUND = 5;

// Tests patches/postgres+*.patch: without the patch the first round ends this process.
describe('the PostgreSQL driver after the death of a connection', function () {
  // Bounds a hang only: every round makes a new connection, which is slow on a busy machine.
  this.timeout(300_000);
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const kill = (pid: number): Promise<unknown> => database.sql`select pg_terminate_backend(${pid})`;

  /** Retries once, because a statement that is sent just before the driver notices the death is rejected. */
  const withRetry = async <T>(send: () => PromiseLike<T>): Promise<T> => {
    try {
      return await send();
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      return send();
    }
  };

  it('rejects the transaction and continues with the next one, every time', async () => {
    const sql = connect(database.url, { max_connections: 2 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const dying = sql.begin(async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        const asleep = tx`select pg_sleep(60)`.execute();
        await sleep(5);
        await kill(row!.pid);
        await asleep;
      });
      await assert.rejects(dying, isConnectionError);
      const rows = await withRetry(() => sql.begin((tx) => tx<{ n: number }[]>`select n from generate_series(1, 3) n`));
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
      assert.deepEqual([...(await withRetry(() => sql`select ${round}::int as round`))], [{ round }]);
    }
    await sql.end();
  });

  it('gives each of many pipelined statements its own rows', async () => {
    const sql = connect(database.url, { max_connections: 3 });
    const progress = new EventEmitter();
    let answered = 0;
    let is_over = false;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let n = lane; !is_over; n += LANES) {
        try {
          assert.deepEqual(
            [...(await sql`select ${n}::int as n, pg_sleep(0.002) is null as slept`)],
            [{ n, slept: false }],
          );
          answered += 1;
          progress.emit('answer');
        } catch (error) {
          assert.ok(isConnectionError(error), String(error));
        }
      }
    });
    const killing = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const enough = answered + ANSWERS_A_ROUND;
        while (answered < enough) await once(progress, 'answer');
        await database.sql`
          select pg_terminate_backend(pid)
          from pg_stat_activity
          where datname = current_database() and application_name = 'onevault' and pid <> pg_backend_pid()
          limit 1`;
      }
      is_over = true;
    };
    await Promise.all([killing(), ...lanes]);
    await sql.end();
  });
});
