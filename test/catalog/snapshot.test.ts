import assert from 'node:assert/strict';
import { Registry as MetricsRegistry } from 'prom-client';
import { priceAt, type Snapshot } from '../../src/catalog/snapshot.ts';
import { startSnapshotWatcher } from '../../src/catalog/snapshot-watcher.ts';
import { fixedClock, systemClock } from '../../src/core/clock.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { connect } from '../../src/postgres/connect.ts';
import { registerRuleMetrics, ruleDependency } from '../../src/server/rule-status.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { addCustomer, testRegistry } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/http.ts';
import { readSnapshot } from '../support/snapshot.ts';
import { newLoader, rows, stamp } from '../vault/vault-fixture.ts';

const ruleRows = (routing_rule_bk: string, conditions: unknown, at = 0): VaultRow[] => {
  const routing_rule_hk = rows.hubKey('routing_rule_h', { routing_rule_bk });
  const rule = {
    rule_name: routing_rule_bk,
    rule_priority: 1,
    conditions: conditions as Record<string, unknown>,
    target_provider: null,
    target_model: null,
    cost_optimization: false,
    latency_optimization: false,
    quality_optimization: false,
    compliance_requirements: null,
    is_active: true,
  };
  return [
    rows.hub('routing_rule_h', { routing_rule_bk }, stamp(at)),
    rows.satellite('routing_rule_s', routing_rule_hk, rule, stamp(at)),
  ];
};

describe('the snapshot', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  it('holds the catalog with prices as exact pico-dollars a token, and no ghost record', async () => {
    const snapshot = await readSnapshot(database.sql, fixedClock('2026-11-21T10:00:00Z'));
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

  it('omits a rule with undecidable conditions, and reports each version of it once', async () => {
    const sql = connect(database.url);
    const lines: object[] = [];
    const log = { ...silentLog, warn: (line: object) => lines.push(line) } as unknown as Log;
    const conditions: [string, unknown][] = [
      ['later', { customer: ['acme'], region: ['eu'] }],
      ['text', { customer: 'acme' }],
      ['none', { customer: [] }],
      ['number', { priority: [1] }],
      ['prototype', JSON.parse('{"__proto__":["x"]}')],
      ['sound', { customer: ['acme'], priority: ['premium'], request_type: ['chat'] }],
    ];
    await newLoader()(
      database.sql,
      conditions.flatMap(([routing_rule_bk, each]) => ruleRows(routing_rule_bk, each)),
    );
    const watcher = await startSnapshotWatcher({ sql, clock: systemClock, registry: testRegistry(), log });
    try {
      const { routing_rules, unusable_rules } = watcher.current();
      const used = routing_rules.map(({ routing_rule }) => routing_rule);
      assert.ok(used.includes('sound'));
      const faults = new Map(unusable_rules.map(({ routing_rule, fault }) => [routing_rule, fault]));
      assert.deepEqual([...faults.keys()].toSorted(), ['later', 'none', 'number', 'prototype', 'text']);
      assert.ok(used.every((each) => !faults.has(each)));
      assert.equal(
        faults.get('later'),
        'condition on the unknown field "region"; known are request_type, customer, priority',
      );
      assert.equal(faults.get('text'), 'the condition on "customer" is not a list of texts with at least one');
      await watcher.refresh();
      assert.equal(lines.length, 5);
      assert.ok(lines.some((line) => (line as { routing_rule: string }).routing_rule === 'later'));
      await newLoader()(database.sql, ruleRows('later', { region: ['us'] }, 1));
      await watcher.refresh();
      assert.equal(lines.length, 6);

      const metrics = new MetricsRegistry();
      registerRuleMetrics(metrics, watcher.current);
      assert.match(await metrics.metrics(), /^onevault_routing_rules_unusable 5$/m);
      const dependency = ruleDependency(watcher.current);
      assert.equal(dependency.status, 'degraded');
      assert.match(dependency.detail!, /Correct them: .*later \(condition on the unknown field "region"/);
    } finally {
      await watcher.close();
      await sql.end();
    }
  });

  it('reports the first omitted routing rules by name and counts the others', () => {
    const unusable_rules = Array.from({ length: 23 }, (_, at) => ({
      routing_rule: `rule-${at}`,
      rule_version: String(at),
      fault: 'x',
    }));
    const { detail } = ruleDependency(() => ({ unusable_rules }) as unknown as Snapshot);
    assert.match(detail!, /rule-19 \(x\); and 3 more$/);
    assert.deepEqual(
      ruleDependency(() => ({ unusable_rules: [] }) as unknown as Snapshot),
      { status: 'up' },
    );
  });

  it('has a price from the instant at which it begins, and none before the first', () => {
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
    assert.equal(priceAt(deployment, 30), null, 'a withdrawn deployment has no price');
  });

  it('holds all changes after a refresh, however many refreshes are concurrent', async () => {
    const sql = connect(database.url);
    const watcher = await startSnapshotWatcher({ sql, clock: systemClock, registry: testRegistry(), log: silentLog });
    try {
      await addCustomer(database.sql, { customer: 'first' });
      const running_refresh = watcher.refresh();
      await addCustomer(database.sql, { customer: 'second' });
      await Promise.all([running_refresh, watcher.refresh(), watcher.refresh()]);
      assert.ok(watcher.current().customers.has('second'));
    } finally {
      await watcher.close();
      await sql.end();
    }
  });

  it('stays when its connections are cut, and gets changes again afterwards', async () => {
    const sql = connect(database.url);
    const watcher = await startSnapshotWatcher({ sql, clock: systemClock, registry: testRegistry(), log: silentLog });
    try {
      const before = watcher.current();
      await database.sql`
        select pg_terminate_backend(pid)
        from pg_stat_activity
        where datname = current_database()
          and pid <> pg_backend_pid()`;
      assert.ok(watcher.current().models.size === before.models.size);
      await addCustomer(database.sql, { customer: 'third' });
      await until(() => watcher.current().customers.has('third'), 'the snapshot has the change');
    } finally {
      await watcher.close();
      await sql.end();
    }
  });
});
