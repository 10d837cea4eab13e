import assert from 'node:assert/strict';
import fc from 'fast-check';
import { eventRows } from '../../src/audit/event.ts';
import type { Snapshot } from '../../src/catalog/snapshot.ts';
import { PARTS } from '../../src/catalog/snapshot-parts.ts';
import { createSnapshotSource, type ReadSnapshot } from '../../src/catalog/snapshot-source.ts';
import { fixedClock } from '../../src/core/clock.ts';
import { connect, type Sql } from '../../src/postgres/connect.ts';
import type { Column, Entity } from '../../src/vault/entity.ts';
import type { Stamp, VaultRow } from '../../src/vault/rows.ts';
import { createCallFeed, testRegistry } from '../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readSnapshot } from '../support/snapshot.ts';
import { newLoader, rows, stamp } from '../vault/vault-fixture.ts';

const clock = fixedClock('2026-11-21T10:00:00Z');
const registry = testRegistry();
const TABLES = [...new Set(Object.values(PARTS).flatMap(({ tables }) => tables))];
const THINGS = 3;
const RUNS = 20;

/** A row of one table about one of a few things, at one of a few instants. */
interface RowInput {
  readonly table: string;
  readonly thing: number;
  readonly other: number;
  readonly value: number;
  readonly at: Stamp;
}

const rowInput: fc.Arbitrary<RowInput> = fc.record({
  table: fc.constantFrom(...TABLES),
  thing: fc.nat(THINGS - 1),
  other: fc.nat(THINGS - 1),
  value: fc.nat(3),
  at: fc.tuple(fc.nat(3), fc.nat(3)).map(([load, applied]) => stamp(load, applied)),
});

// Some keys are UUIDs, others any name.
const NAME = '00000000-0000-7000-8000-00000000000';
const nameOf = (thing: number): string => `${NAME}${thing}`;

const contentOf = ({ row_schema }: Entity, columns: readonly Column[], { thing, value }: RowInput): never => {
  const properties = row_schema.properties as Record<string, { enum?: readonly unknown[] }>;
  const entries = columns.map(({ name, type, is_nullable }): [string, unknown] => {
    const allowed = properties[name]?.enum?.filter((each) => each !== null);
    if (allowed !== undefined) return [name, allowed[value % allowed.length]];
    if (name === 'tier') return [name, 0];
    if (type === 'decimal') return [name, is_nullable && value === 0 ? null : String(value + 1)];
    if (is_nullable) return [name, null];
    if (type === 'bytes') return [name, `${thing}${value}`.repeat(32)];
    if (type === 'integer') return [name, value];
    if (type === 'boolean') return [name, value > 0];
    if (type === 'text[]') return [name, [`any ${value}`]];
    if (type === 'json') return [name, name === 'own_models' ? [] : { customer: [nameOf(value)] }];
    return [name, name.endsWith('_bk') ? nameOf(thing) : `thing ${thing}`];
  });
  return Object.fromEntries(entries) as never;
};

const hubKey = (table: string, thing: number): string =>
  rows.hubKey(table as never, { [registry.hub(table).business_key[0]!.name]: nameOf(thing) } as never);

// A key belongs to one customer; a model is at several providers, and a price is of any three.
const hubsOf = (table: string, { thing, other }: RowInput): Record<string, string> =>
  Object.fromEntries(
    registry
      .link(table)
      .hubs.map((hub, place) => [hub.column, hubKey(hub.table, /keys?_/.test(table) || place === 0 ? thing : other)]),
  );

const rowsOf = (each: RowInput): VaultRow[] => {
  const entity = registry.entities.get(each.table)!;
  if (entity.kind === 'hub') {
    return [rows.hub(each.table as never, contentOf(entity, entity.business_key, each), each.at)];
  }
  if (entity.kind === 'link') return [rows.link(each.table as never, hubsOf(each.table, each) as never, each.at)];
  const key =
    registry.entities.get(entity.parent)!.kind === 'hub'
      ? hubKey(entity.parent, each.thing)
      : rows.linkKey(entity.parent as never, hubsOf(entity.parent, each) as never);
  const content = contentOf(entity, entity.payload, each);
  return entity.flavour === 'multi-active'
    ? rows.satelliteSet(each.table as never, key, [content], each.at)
    : [rows.satellite(each.table as never, key, content, each.at)];
};

const orderOf = ({ models, routing_rules }: Snapshot): unknown => [
  [...models.keys()],
  [...models.values()].map(({ deployments }) => deployments.map(({ provider }) => provider)),
  routing_rules.map(({ routing_rule }) => routing_rule),
];

describe('the incremental reader of the snapshot', () => {
  let database: TestDatabase;
  let sql: Sql;
  before(async () => {
    database = await createTestDatabase();
    sql = connect(database.url, { max_connections: 2 });
  });
  after(async () => {
    await sql.end();
    await database.drop();
  });

  const newSource = (): ReadSnapshot => createSnapshotSource({ sql, clock, registry });
  const load = async (given: readonly VaultRow[]): Promise<void> => {
    const { refused } = await newLoader()(sql, given);
    assert.equal(refused, 0);
  };

  it('returns the same snapshot as a full read, for any rows in any order and number', async () => {
    const read = newSource();
    await read();
    const seen = { agreed: 0, provider_keys: 0, api_keys: 0, prices: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(rowInput, { minLength: 1, maxLength: 40, size: 'max' }), async (all) => {
        await load(all.flatMap(rowsOf));
        const [changed, whole] = [await read(), await readSnapshot(sql, clock)];
        assert.deepEqual(changed, whole);
        assert.deepEqual(orderOf(changed), orderOf(whole));
        const priced = [...changed.models.values()].filter(({ model }) => model.startsWith(NAME));
        seen.agreed += changed.agreed_prices.size;
        seen.provider_keys += changed.provider_keys.size;
        seen.api_keys += [...changed.api_keys.values()].filter(({ customer }) => customer?.startsWith(NAME)).length;
        seen.prices += priced.flatMap(({ deployments }) => deployments.flatMap(({ prices }) => prices)).length;
      }),
      { numRuns: RUNS },
    );
    for (const [part, count] of Object.entries(seen)) assert.ok(count > 0, part);
  });

  it('keeps unchanged parts, and the same snapshot object if nothing changed', async () => {
    const read = newSource();
    const before = await read();
    assert.equal(await read(), before);
    await createCallFeed(sql, clock).send([{ request_timestamp: '2026-11-21T09:00:00.000Z' }]);
    await load(
      eventRows(
        rows,
        {
          actor_kind: 'system',
          actor: 't',
          action: 'test.fill',
          outcome: 'succeeded',
          subject_kind: 'x',
          event_id: 'e',
        },
        stamp(1),
      ),
    );
    assert.equal(await read(), before, 'calls and audit events are not part of the snapshot');
    await load(rowsOf({ table: 'ai_provider_s', thing: 0, other: 0, value: 9, at: stamp(9) }));
    const after = await read();
    assert.notEqual(after, before);
    assert.notEqual(after.providers, before.providers);
    assert.equal(after.models, before.models);
    assert.equal(after.api_keys, before.api_keys);
  });

  it('reads everything when too many rows changed', async () => {
    const read = newSource();
    await read();
    const many = Array.from({ length: 6_000 }, (_, at) => `many-${at}`);
    const [, config] = [
      ...rowsOf({ table: 'customer_h', thing: 0, other: 0, value: 0, at: stamp(1) }),
      ...rowsOf({ table: 'customer_config_s', thing: 0, other: 0, value: 0, at: stamp(1) }),
    ];
    await load(
      many.flatMap((customer_bk) => {
        const customer_hk = rows.hubKey('customer_h', { customer_bk });
        const values = { ...config!.values, customer_hk };
        return [rows.hub('customer_h', { customer_bk }, stamp(1)), { table: 'customer_config_s', values }];
      }),
    );
    const snapshot = await read();
    for (const customer of many) assert.ok(snapshot.customers.has(customer), customer);
    assert.deepEqual(snapshot, await readSnapshot(sql, clock));
    assert.equal(await read(), snapshot);
  });

  it('continues from its last state after a failed read', async () => {
    let is_away = false;
    const begin: Sql['begin'] = (...args: unknown[]) =>
      is_away ? Promise.reject(new Error('away')) : (sql.begin as (...given: unknown[]) => never)(...args);
    const read = createSnapshotSource({ sql: { begin } as unknown as Sql, clock, registry });
    const before = await read();
    await load(rowsOf({ table: 'ai_provider_s', thing: 1, other: 0, value: 7, at: stamp(8) }));
    is_away = true;
    await assert.rejects(read(), /away/);
    is_away = false;
    const after = await read();
    assert.notEqual(after, before);
    assert.deepEqual(after, await readSnapshot(sql, clock));
  });
});
