import assert from 'node:assert/strict';
import type { Sql } from '../../src/postgres/connect.ts';
import { createChanged } from '../../src/vault/changed.ts';
import { createReader } from '../../src/vault/read.ts';
import type { VaultRow } from '../../src/vault/rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newLoader, registry, rows, stamp, tenantKey } from './vault-fixture.ts';

const reader = createReader(registry);
const changed = createChanged(registry);
const load = newLoader();

/** `[from, until)` in seconds; null for no end. */
type Period = readonly [from: number, until: number | null];

const secondOf = (instant: string): number => Number(instant.slice(17, 19));

describe('the effectivity of a link', () => {
  let database: TestDatabase;
  let sql: Sql;
  before(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  after(() => database.drop());

  const hubsOf = (customer_bk: string, tenant_bk: string) => ({
    customer_hk: rows.hubKey('customer_h', { customer_bk }),
    tenant_hk: tenantKey(tenant_bk),
  });
  const linkOf = (customer: string, tenant: string): string =>
    rows.linkKey('customer_tenant_l', hubsOf(customer, tenant));
  const linkRows = (
    is_effective: boolean,
    customer: string,
    tenant: string,
    at: number,
    load_second = at,
  ): VaultRow[] => [
    rows.link('customer_tenant_l', hubsOf(customer, tenant), stamp(load_second)),
    rows.satellite('customer_tenant_effectivity_s', linkOf(customer, tenant), { is_effective }, stamp(load_second, at)),
  ];
  const joins = linkRows.bind(null, true);
  const leaves = linkRows.bind(null, false);
  const periodsOf = async (customer: string, tenant: string): Promise<Period[]> => {
    const history = await reader.history(sql, 'customer_tenant_effectivity_s', linkOf(customer, tenant));
    return history.map(({ applied_date, load_end_date }) => [
      secondOf(applied_date),
      load_end_date === null ? null : secondOf(load_end_date),
    ]);
  };
  const tenantAt = async (customer: string, applied: number, known = 59): Promise<string[]> => {
    const hash_keys = ['north', 'south', 'west'].map((tenant) => linkOf(customer, tenant));
    const found = await reader.asOf(sql, 'customer_tenant_effectivity_s', {
      applied: stamp(0, applied).applied_date,
      known: stamp(known).load_date,
      hash_keys,
    });
    return found.map((row) => ['north', 'south', 'west'][hash_keys.indexOf(row.customer_tenant_link_hk)]!);
  };

  it('ends when the driving key gets another partner, without another row', async () => {
    await load(sql, joins('moves', 'north', 1));
    const [before] = await sql`select count(*) as rows from gateway.customer_tenant_effectivity_s`;
    await load(sql, joins('moves', 'south', 5));
    const [later] = await sql`select count(*) as rows from gateway.customer_tenant_effectivity_s`;
    assert.equal(later!.rows, (before!.rows as number) + 1);
    assert.deepEqual(await periodsOf('moves', 'north'), [[1, 5]]);
    assert.deepEqual(await periodsOf('moves', 'south'), [[5, null]]);
    assert.deepEqual(await tenantAt('moves', 0), []);
    assert.deepEqual(await tenantAt('moves', 4), ['north']);
    assert.deepEqual(await tenantAt('moves', 5), ['south']);
    assert.deepEqual(await tenantAt('moves', 9, 4), ['north'], 'as it was known before the move');
  });

  it('ends and starts again, with the same partner or after another one', async () => {
    await load(sql, [
      ...joins('returns', 'north', 1),
      ...leaves('returns', 'north', 3),
      ...joins('returns', 'north', 5),
      ...joins('returns', 'south', 7),
      ...joins('returns', 'north', 9),
    ]);
    assert.deepEqual(await periodsOf('returns', 'north'), [
      [1, 3],
      [5, 7],
      [9, null],
    ]);
    assert.deepEqual(await periodsOf('returns', 'south'), [[7, 9]]);
    assert.deepEqual(await tenantAt('returns', 4), []);
  });

  it('does not start again when the partner that ended it leaves', async () => {
    await load(sql, [...joins('alone', 'north', 1), ...joins('alone', 'south', 3), ...leaves('alone', 'south', 5)]);
    assert.deepEqual(await tenantAt('alone', 6), []);
    const current = await sql`
      select from gateway.customer_tenant_effectivity_s_current where customer_hk = ${hubsOf('alone', 'north').customer_hk}`;
    assert.equal(current.length, 0);
  });

  it('includes late rows in their order, and ignores the end of a link that is not effective', async () => {
    await load(sql, [...joins('late', 'south', 8), ...leaves('late', 'west', 9), ...joins('late', 'south', 10)]);
    await load(sql, joins('late', 'north', 2, 30));
    await load(sql, leaves('late', 'north', 4, 31));
    assert.deepEqual(await periodsOf('late', 'north'), [[2, 4]]);
    assert.deepEqual(await periodsOf('late', 'south'), [[8, null]]);
    assert.deepEqual(await periodsOf('late', 'west'), []);
    assert.deepEqual(await tenantAt('late', 3), ['north']);
    assert.deepEqual(await tenantAt('late', 3, 29), []);
  });

  it('is shown in views together with the hubs of the link', async () => {
    await load(sql, joins('joined', 'west', 1));
    const { customer_hk, tenant_hk } = hubsOf('joined', 'west');
    const [row] = await sql`
      select tenant_hk from gateway.customer_tenant_effectivity_s_current where customer_hk = ${customer_hk}`;
    assert.equal(row!.tenant_hk, tenant_hk);
  });

  it('is read from views by the rows of one driving key only', async () => {
    const plan = await sql.begin(async (tx) => {
      await tx`set local enable_seqscan = off`;
      return tx<{ 'QUERY PLAN': string }[]>`
        explain select * from gateway.customer_tenant_effectivity_s_history
        where customer_hk = decode(repeat('ab', 32), 'hex')`;
    });
    const text = plan.map((line) => line['QUERY PLAN']).join('\n');
    assert.match(text, /customer_tenant_l_customer_hk_idx/, text);
    assert.doesNotMatch(text, /Seq Scan/, text);
  });

  it('keeps every repeated start, because another partner may have ended the last one', async () => {
    const again = joins('moves', 'north', 9);
    assert.deepEqual(await changed(sql, again), again);
  });
});

describe('the tracking of a key', () => {
  let database: TestDatabase;
  let sql: Sql;
  before(async () => {
    database = await createTestDatabase();
    sql = database.sql;
  });
  after(() => database.drop());

  const link_hk = rows.linkKey('model_provider_l', {
    model_hk: rows.hubKey('model_h', { model_bk: 'tracked' }),
    provider_hk: rows.hubKey('ai_provider_h', { provider_bk: 'openai' }),
  });
  const seen = (record_source: string, is_present: boolean, applied: number, load_second = applied): VaultRow =>
    rows.satellite(
      'model_provider_tracking_s',
      link_hk,
      { is_present },
      { ...stamp(load_second, applied), record_source },
    );
  const sayAt = async (applied: number, known = 59): Promise<Record<string, boolean>> => {
    const found = await reader.asOf(sql, 'model_provider_tracking_s', {
      applied: stamp(0, applied).applied_date,
      known: stamp(known).load_date,
      hash_keys: [link_hk],
    });
    return Object.fromEntries(found.map((row) => [row.record_source, row.is_present]));
  };

  it('separates the sources, and includes late rows in their order', async () => {
    await load(sql, [seen('catalogue', true, 1), seen('price list', true, 2), seen('catalogue', false, 5)]);
    assert.deepEqual(await sayAt(4), { catalogue: true, 'price list': true });
    assert.deepEqual(await sayAt(6), { catalogue: false, 'price list': true });
    await load(sql, [seen('catalogue', false, 3, 30), seen('catalogue', true, 4, 31)]);
    assert.deepEqual(await sayAt(3), { catalogue: false, 'price list': true });
    assert.deepEqual(await sayAt(3, 29), { catalogue: true, 'price list': true });
    assert.deepEqual(await sayAt(9), { catalogue: false, 'price list': true });
    const history = await reader.history(sql, 'model_provider_tracking_s', link_hk);
    assert.deepEqual(
      history
        .filter((row) => row.record_source === 'catalogue')
        .map((row) => [secondOf(row.applied_date), row.is_present, row.load_end_date && secondOf(row.load_end_date)]),
      [
        [1, true, 3],
        [3, false, 4],
        [4, true, 5],
        [5, false, null],
      ],
    );
  });

  it('keeps equal rows of two sources at the same instants', async () => {
    await load(sql, [seen('one', true, 20), seen('two', true, 20)]);
    const current = await sayAt(20);
    assert.deepEqual([current.one, current.two], [true, true]);
  });

  it('drops repetitions of the same source only, if requested', async () => {
    await load(sql, [seen('lists', true, 40)]);
    const given = [seen('lists', true, 41), seen('never mentioned', true, 41), seen('lists', false, 42)];
    assert.deepEqual(await changed(sql, given), given.slice(1));
  });
});
