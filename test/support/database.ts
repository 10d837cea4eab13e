import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import { testServer, testTemplate } from './server.ts';

/** A separate database for one test or one file, migrated and seeded. */
export interface TestDatabase {
  /** `postgres://…`, for code under test that connects by itself. */
  readonly url: string;
  /** A pool that `drop` closes. */
  readonly sql: Sql;
  /** Drops it. @throws AssertionError if a connection other than `sql`'s, or a transaction, was left open */
  drop(): Promise<void>;
}

// The server's process notices a closed socket a moment later.
const LEAK_GRACE_MS = 1_000;
const LEAK_POLL_MS = 10;

/** A database with the whole schema and the reference data, cloned from the template. */
export const createTestDatabase = async (): Promise<TestDatabase> => createFrom(await testTemplate());

/** An empty database, for tests of migrations or without a schema. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createFrom('template0');

const createFrom = async (template: string): Promise<TestDatabase> => {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((admin) => admin`create database ${admin(name)} template ${admin(template)} strategy file_copy`);
  const url = (await testServer()).url(name);
  const sql = connect(url);
  return {
    url,
    sql,
    drop: () =>
      asAdmin(async (admin) => {
        const transactions = await openTransactions(admin, name);
        await sql.end({ timeout: 1 });
        const connections = await leftConnections(admin, name);
        await admin`drop database ${admin(name)} with (force)`;
        assert.deepEqual(transactions, [], 'a transaction was left open');
        assert.deepEqual(connections, [], 'a connection was left open');
      }),
  };
};

const asAdmin = async <T>(run: (admin: Sql) => Promise<T>): Promise<T> => {
  const admin = connect((await testServer()).url('postgres'), { max_connections: 1 });
  return run(admin).finally(() => admin.end());
};

interface Activity {
  application_name: string;
  query: string;
}

const openTransactions = async (admin: Sql, database: string): Promise<Activity[]> => [
  ...(await admin<Activity[]>`
    select application_name, query
    from pg_stat_activity
    where datname = ${database}
      and backend_type = 'client backend'
      and xact_start is not null`),
];

const leftConnections = async (admin: Sql, database: string): Promise<Activity[]> => {
  for (let waited_ms = 0; ; waited_ms += LEAK_POLL_MS) {
    const left = await admin<Activity[]>`
      select application_name, query
      from pg_stat_activity
      where datname = ${database}
        and backend_type = 'client backend'`;
    if (left.length === 0 || waited_ms >= LEAK_GRACE_MS) return [...left];
    await sleep(LEAK_POLL_MS);
  }
};
