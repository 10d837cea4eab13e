import assert from 'node:assert/strict';
import { priceAt } from '../../src/catalog/snapshot.ts';
import { startSnapshotKeeper } from '../../src/catalog/snapshot-keeper.ts';
import { buildSnapshot } from '../../src/catalog/snapshot-source.ts';
import { fixedClock, systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { connect } from '../../src/postgres/connect.ts';
import { addCustomer } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/http.ts';

describe('the snapshot', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('holds the catalog with prices as exact pico-dollars a token, and no ghost record', async () => {
    const snapshot = await buildSnapshot(database.sql, fixedClock('2026-11-21T10:00:00Z'));
    assert.equal(snapshot.built_at, '2026-11-21T10:00:00.000Z');
    for (const provider of ['anthropic', 'google', 'openai']) assert.ok(snapshot.providers.has(provider));
    const [deployment] = snapshot.models.get('gpt-4o-mini')!.deployments;
    const price = priceAt(deployment!, Date.parse('2026-11-21T10:00:00Z'))!;
    assert.equal(price.tiers[0]?.prices.input_price, 150_000n);
    assert.equal(price.tiers[0]?.prices.output_price, 600_000n);
    assert.match(price.price_version, /^[0-9a-f]{64}$/);
    for (const map of [snapshot.models, snapshot.providers, snapshot.customers]) assert.ok(!map.has('unknown'));
    const priorities = snapshot.routing_rules.map(({ rule_priority }) => rule_priority);
    assert.deepEqual(
      priorities,
      priorities.toSorted((a, b) => a - b),
    );
  });

  it('knows a price from the instant that it holds, and none before the first', () => {
    const price = (holds_from_ms: number, is_offered = true) => ({
      holds_from_ms,
      is_offered,
      provider_model_name: 'm',
      price_version: String(holds_from_ms),
      tier_version: null,
      tiers: [],
      agreed: null,
    });
    const deployment = { model: 'm', provider: 'p', prices: [price(10), price(20), price(30, false)] };
    assert.equal(priceAt(deployment, 9), null);
    assert.equal(priceAt(deployment, 10)?.price_version, '10');
    assert.equal(priceAt(deployment, 19)?.price_version, '10');
    assert.equal(priceAt(deployment, 20)?.price_version, '20');
    assert.equal(priceAt(deployment, 30), null, 'what is no longer offered has no price');
  });

  it('is as new as the vault once a refresh is over, however many ask at once', async () => {
    const sql = connect(database.url);
    const keeper = await startSnapshotKeeper({ sql, clock: systemClock, log: silentLog });
    try {
      await addCustomer(database.sql, { customer: 'first' });
      const under_way = keeper.refresh();
      await addCustomer(database.sql, { customer: 'second' });
      await Promise.all([under_way, keeper.refresh(), keeper.refresh()]);
      assert.ok(keeper.current().customers.has('second'));
    } finally {
      await keeper.close();
      await sql.end();
    }
  });

  it('stands when its connections are cut, and hears of changes again after', async () => {
    const sql = connect(database.url);
    const keeper = await startSnapshotKeeper({ sql, clock: systemClock, log: silentLog });
    try {
      const before = keeper.current();
      await database.sql`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database()
          and pid <> pg_backend_pid()`;
      assert.ok(keeper.current().models.size === before.models.size);
      await addCustomer(database.sql, { customer: 'third' });
      await until(() => keeper.current().customers.has('third'), 'it is new again');
    } finally {
      await keeper.close();
      await sql.end();
    }
  });
});
