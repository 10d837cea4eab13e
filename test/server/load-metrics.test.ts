import assert from 'node:assert/strict';
import { Registry as MetricsRegistry } from 'prom-client';
import { silentLog } from '../../src/core/log.ts';
import { connect } from '../../src/postgres/connect.ts';
import { registerLoadMetrics } from '../../src/server/load-metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newLoader } from '../vault/vault-fixture.ts';

describe("the loader's metrics", () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('count the records that the vault refused, and are absent while the database is down', async () => {
    const metrics = new MetricsRegistry();
    const sql = connect(database.url, { max_connections: 1, role: 'onevault_gateway' });
    registerLoadMetrics({ metrics, sql, log: silentLog });
    const read = async () => /^onevault_vault_load_errors (\S+)$/m.exec(await metrics.metrics())?.[1] ?? null;
    assert.equal(await read(), '0');
    const refused = { table: 'no_such_h', values: { grams: 3 } };
    await database.sql.begin((tx) => newLoader()(tx, [refused]));
    assert.equal(await read(), '1');
    await sql.end();
    assert.equal(await read(), null);
  });
});
