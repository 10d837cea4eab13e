import assert from 'node:assert/strict';
import { connect } from '../../src/postgres/connect.ts';
import { createEmptyDatabase, createTestDatabase } from './database.ts';
import { stopTestServer } from './server.ts';

describe('a test database', () => {
  it('has the schema and the reference data', async () => {
    const database = await createTestDatabase();
    const [row] = await database.sql`select count(*) > 0 as found from gateway.model_h`;
    await database.drop();
    assert.equal(row?.found, true);
  });

  it('is created by many users at once, who share one server and one template', async () => {
    await stopTestServer();
    const databases = await Promise.all(Array.from({ length: 8 }, createTestDatabase));
    await Promise.all(databases.map((database) => database.drop()));
    assert.equal(new Set(databases.map(({ url }) => url)).size, 8);
  });

  it('is a separate clone that no longer exists after drop', async () => {
    const database = await createEmptyDatabase();
    await database.sql`create table t (n int)`;
    await database.drop();
    const other = await createEmptyDatabase();
    const [row] = await other.sql`select to_regclass('t') as found`;
    assert.equal(row?.found, null);
    await other.drop();
  });

  it('finds a connection that the test left open', async () => {
    const database = await createEmptyDatabase();
    const sql = connect(database.url, { application_name: 'leaky' });
    await sql`select 1`;
    await assert.rejects(database.drop(), /a connection was left open/);
    await sql.end({ timeout: 1 });
  });

  it('finds a transaction that the test left open', async () => {
    const database = await createEmptyDatabase();
    const reserved = await database.sql.reserve();
    await reserved`begin`;
    await reserved`select 1`;
    await assert.rejects(database.drop(), /a transaction was left open/);
  });
});
