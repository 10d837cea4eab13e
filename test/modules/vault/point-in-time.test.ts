import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock, instantOf } from '../../../src/core/clock.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { GHOST_KEY } from '../../../src/vault/entity.ts';
import { createLoader } from '../../../src/vault/load.ts';
import { createReader } from '../../../src/vault/read.ts';
import { createRowBuilder, type SatelliteTable, type Stamp, type VaultRow } from '../../../src/vault/rows.ts';
import { contractOf, jobDeps, testRegistry } from '../../support/calls.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { modelOf, piiOf, priceOf, providerOf } from '../satellite-payloads.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-05T00:00:00Z');
const CLOCK = '2026-11-16T09:00:00Z';
// The second run is for an earlier instant than the first.
const AT = ['2026-11-11T06:00:00.000Z', '2026-11-09T00:00:00.000Z', '2026-11-13T00:00:00.000Z'];

const OLD = '2026-11-06T06:00:00.000Z';
const GHOST = `${GHOST_KEY} 1900-01-01T00:00:00.000Z 1900-01-01T00:00:00.000Z ${GHOST_KEY}`;

const registry = testRegistry();
const rows = createRowBuilder(registry);
const reader = createReader(registry);

const rowInput = fc.record({
  what: fc.constantFrom('config', 'pii', 'tenancy', 'price', 'model', 'provider'),
  subject: fc.constantFrom('a', 'b'),
  tenant: fc.constantFrom('north', 'south'),
  is_true: fc.constantFrom(true, true, false),
  value: fc.integer({ min: 0, max: 2 }),
  // Quarters of a day, and the microseconds around them.
  applied: fc.tuple(fc.integer({ min: -4, max: 34 }), fc.constantFrom('before', 'at')),
  // `old` has a load_date from before the runs, as a seed has; `ahead` one that the run cannot know yet.
  load: fc.constantFrom('now', 'old', 'old', 'ahead'),
  with_parent: fc.constantFrom(true, true, true, false),
  round: fc.integer({ min: 0, max: 2 }),
});
type RowInput = typeof rowInput extends fc.Arbitrary<infer T> ? T : never;

const DAY_6: RowInput = {
  what: 'config',
  subject: 'a',
  tenant: 'north',
  is_true: true,
  value: 0,
  applied: [4, 'at'],
  load: 'old',
  with_parent: true,
  round: 0,
};
const DAY_10 = { applied: [20, 'at'], load: 'now', round: 1 } satisfies Partial<RowInput>;

/** States of a day that the run which meets them, being for an earlier instant, would not make by itself. */
const CHANGED_BEFORE_AN_EARLIER_RUN: RowInput[] = [
  DAY_6,
  { ...DAY_6, what: 'tenancy' },
  { ...DAY_6, what: 'price' },
  { ...DAY_6, ...DAY_10, value: 1 },
  { ...DAY_6, ...DAY_10, what: 'tenancy', is_true: false },
  { ...DAY_6, ...DAY_10, what: 'price', value: 1 },
];

describe('the job point-in-time', () => {
  it('has the rows that a reader finds at the end of each day, whenever they arrived', async function () {
    this.timeout(300_000);
    await fc.assert(
      fc.asyncProperty(fc.array(rowInput, { maxLength: 30 }), async (inputs) => {
        const database = await createTestDatabase();
        try {
          await checkRuns(database, inputs);
        } finally {
          await database.drop();
        }
      }),
      { numRuns: 5, examples: [[CHANGED_BEFORE_AN_EARLIER_RUN]] },
    );
  });

  it("recomputes a customer's days from the applied day of a late state, and no others", async () => {
    const database = await createTestDatabase();
    try {
      const clock = fixedClock('2026-11-16T09:00:00Z');
      const deps = jobDeps(database, clock);
      const load = createLoader({ registry, now: clock.now });
      const config = (subject: string, value: number, applied_date: string, load_date: string) =>
        rowsOf({ ...DAY_6, subject, value }, { applied_date, load_date, record_source: 'test' });
      const first = '2026-11-10T12:00:00.000Z';
      await load(
        database.sql,
        ['a', 'b'].flatMap((subject) => config(subject, 0, first, first)),
      );
      clock.advance(1_000);
      const at = '2026-11-16T00:00:00.000Z';
      const made = await runJob(deps, 'point-in-time', { at });
      assert.notEqual(made.rows_out, 0);
      clock.advance(1_000);
      assert.equal((await runJob(deps, 'point-in-time', { at })).rows_out, 0);
      // The new row has an older load_date than the run knew, as seeded and imported rows have.
      await load(database.sql, config('a', 1, '2026-11-14T00:00:00.000Z', '2026-11-12T00:00:00.000Z'));
      clock.advance(1_000);
      const again = await runJob(deps, 'point-in-time', { at });
      assert.equal(again.rows_out, 2);
      const states = await database.sql`
        select point.snapshot_day, point.customer, config.cost_budget_monthly,
          point.known_at = ${again.input_watermark.known}::text::timestamptz as is_new
        from derived_business.pit_customer point
        join gateway.customer_config_s config
          on config.customer_hk = point.customer_config_s_hk
          and config.applied_date = point.customer_config_s_applied_date
          and config.load_date = point.customer_config_s_load_date
          and config.hash_diff = point.customer_config_s_hash_diff
        where point.customer in ('a', 'b')
        order by 2, 1`;
      const days = (customer: string, late: string | null) =>
        [10, 11, 12, 13, 14, 15].map((day) => ({
          snapshot_day: `2026-11-${day}T00:00:00.000Z`,
          customer,
          cost_budget_monthly: day >= 14 ? (late ?? '0') : '0',
          is_new: late !== null && day >= 14,
        }));
      assert.deepEqual([...states], [...days('a', '1'), ...days('b', null)]);
    } finally {
      await database.drop();
    }
  });
});

const checkRuns = async (database: TestDatabase, inputs: readonly RowInput[]): Promise<void> => {
  const { sql } = database;
  const clock = fixedClock(CLOCK);
  const deps = jobDeps(database, clock);
  const load = createLoader({ registry, now: clock.now });
  // An empty table has no watermark of a run, so one customer without new rows is there.
  const known_before = { applied_date: OLD, load_date: OLD, record_source: 'test' };
  assert.equal((await load(sql, rowsOf({ ...DAY_6, subject: 'quiet' }, known_before))).refused, 0);
  // The last round has no new rows, but the rows ahead of the run before it are known.
  for (const [round, at] of [...AT, AT[2]!].entries()) {
    const current = inputs.filter((each) => each.round === round);
    const { refused } = await load(
      sql,
      current.flatMap((each) => rowsOf(each, stampOf(each, clock.now()))),
    );
    assert.equal(refused, 0);
    clock.advance(1_000);
    const { known } = (await runJob(deps, 'point-in-time', { at })).input_watermark;
    // No run takes back the days of one for a later instant.
    const until_ms = Math.floor(Date.parse(AT[round < 2 ? 0 : 2]!) / DAY_MS) * DAY_MS;
    assert.deepEqual(await customersOf(sql), await expectedCustomers(sql, known, until_ms));
    assert.deepEqual(await deploymentsOf(sql), await expectedDeployments(sql, known, until_ms));
    clock.advance(1_000);
  }
  assert.equal((await runJob(deps, 'point-in-time', { at: AT[2]! })).rows_out, 0);
};

const stampOf = ({ applied: [quarters, place], load }: RowInput, now_ms: number): Stamp => {
  const applied_ms = START_MS + quarters * (DAY_MS / 4);
  return {
    applied_date: place === 'at' ? instantOf(applied_ms) : `${instantOf(applied_ms - 1).slice(0, -1)}999Z`,
    load_date: { now: instantOf(now_ms), old: OLD, ahead: instantOf(now_ms + 1_500) }[load],
    record_source: 'test',
  };
};

type Subject = Pick<RowInput, 'what' | 'tenant' | 'is_true' | 'value' | 'with_parent'> & {
  readonly subject: string;
};

/** Rows about a customer or a deployment, with or without their hubs and links. */
const rowsOf = ({ what, subject, tenant, is_true, value, with_parent }: Subject, stamp: Stamp): VaultRow[] => {
  const customer = { customer_bk: subject };
  const customer_hk = rows.hubKey('customer_h', customer);
  const of_tenant = { tenant_bk: tenant };
  const tenancy = { customer_hk, tenant_hk: rows.hubKey('tenant_h', of_tenant) };
  // The deployments of both customers have one provider.
  const [model, provider] = [{ model_bk: `model-${subject}` }, { provider_bk: 'somebody' }];
  const deployment = {
    model_hk: rows.hubKey('model_h', model),
    provider_hk: rows.hubKey('ai_provider_h', provider),
  };
  const is_of_customer = ['config', 'pii', 'tenancy'].includes(what);
  const parents = is_of_customer
    ? [
        rows.hub('customer_h', customer, stamp),
        ...(what === 'tenancy'
          ? [rows.hub('tenant_h', of_tenant, stamp), rows.link('customer_tenant_l', tenancy, stamp)]
          : []),
      ]
    : [
        rows.hub('model_h', model, stamp),
        rows.hub('ai_provider_h', provider, stamp),
        rows.link('model_provider_l', deployment, stamp),
      ];
  const satellite = {
    config: () => rows.satellite('customer_config_s', customer_hk, contractOf(subject, String(value)), stamp),
    pii: () => rows.satellite('customer_pii_s', customer_hk, piiOf(value), stamp),
    tenancy: () =>
      rows.satellite(
        'customer_tenant_effectivity_s',
        rows.linkKey('customer_tenant_l', tenancy),
        { is_effective: is_true },
        stamp,
      ),
    price: () =>
      rows.satellite('model_price_s', rows.linkKey('model_provider_l', deployment), priceOf(value, is_true), stamp),
    model: () => rows.satellite('model_s', deployment.model_hk, modelOf(value, is_true), stamp),
    provider: () => rows.satellite('ai_provider_s', deployment.provider_hk, providerOf(value, is_true), stamp),
  }[what]();
  return with_parent ? [...parents, satellite] : [satellite];
};

const customersOf = async (sql: Sql): Promise<string[]> =>
  linesOf(
    await sql`
      select snapshot_day, customer_hk,
        customer_config_s_hk, customer_config_s_applied_date, customer_config_s_load_date, customer_config_s_hash_diff,
        customer_pii_s_hk, customer_pii_s_applied_date, customer_pii_s_load_date, customer_pii_s_hash_diff,
        tenant_hk,
        customer_tenant_effectivity_s_hk, customer_tenant_effectivity_s_applied_date,
        customer_tenant_effectivity_s_load_date, customer_tenant_effectivity_s_hash_diff
      from derived_business.pit_customer`,
  );

const deploymentsOf = async (sql: Sql): Promise<string[]> =>
  linesOf(
    await sql`
      select snapshot_day, model_provider_link_hk, model_hk, provider_hk,
        model_price_s_hk, model_price_s_applied_date, model_price_s_load_date, model_price_s_hash_diff,
        model_s_hk, model_s_applied_date, model_s_load_date, model_s_hash_diff,
        ai_provider_s_hk, ai_provider_s_applied_date, ai_provider_s_load_date, ai_provider_s_hash_diff
      from derived_business.pit_offer`,
  );

const linesOf = (found: readonly Record<string, unknown>[]): string[] =>
  found.map((row) => Object.values(row).join(' ')).sort();

const expectedCustomers = async (sql: Sql, known: string, until_ms: number): Promise<string[]> => {
  const tenancies = await sql`select customer_tenant_link_hk, customer_hk, tenant_hk from gateway.customer_tenant_l`;
  const linkOf = new Map(tenancies.map((each) => [each.customer_tenant_link_hk, each]));
  const starts = await firstDays(
    sql`
      select customer_hk as key, applied_date, load_date from gateway.customer_config_s
      union all
      select customer_hk, applied_date, load_date from gateway.customer_pii_s
      union all
      select l.customer_hk, s.applied_date, s.load_date
      from gateway.customer_tenant_effectivity_s s
      join gateway.customer_tenant_l l using (customer_tenant_link_hk)`,
    known,
  );
  const lines: string[] = [];
  for (const { day, applied } of daysUntil(starts, until_ms)) {
    const config = await heldAt(sql, 'customer_config_s', 'customer_hk', applied, known);
    const pii = await heldAt(sql, 'customer_pii_s', 'customer_hk', applied, known);
    const joined = await heldAt(sql, 'customer_tenant_effectivity_s', 'customer_tenant_link_hk', applied, known);
    for (const { customer_hk } of await sql`select customer_hk from gateway.customer_h`) {
      if (!(Date.parse(day) >= (starts.get(customer_hk) ?? Number.POSITIVE_INFINITY))) continue;
      const link_hk = [...joined.keys()].find((each) => linkOf.get(each)?.customer_hk === customer_hk) ?? '';
      lines.push(
        [
          day,
          customer_hk,
          config.get(customer_hk) ?? GHOST,
          pii.get(customer_hk) ?? GHOST,
          linkOf.get(link_hk)?.tenant_hk ?? GHOST_KEY,
          joined.get(link_hk) ?? GHOST,
        ].join(' '),
      );
    }
  }
  return lines.sort();
};

const expectedDeployments = async (sql: Sql, known: string, until_ms: number): Promise<string[]> => {
  const starts = await firstDays(
    sql`select model_provider_link_hk as key, applied_date, load_date from gateway.model_price_s`,
    known,
  );
  const lines: string[] = [];
  for (const { day, applied } of daysUntil(starts, until_ms)) {
    const price = await heldAt(sql, 'model_price_s', 'model_provider_link_hk', applied, known);
    const of_model = await heldAt(sql, 'model_s', 'model_hk', applied, known);
    const of_provider = await heldAt(sql, 'ai_provider_s', 'provider_hk', applied, known);
    const deployments = await sql`
      select model_provider_link_hk, model_hk, provider_hk
      from gateway.model_provider_l
      join gateway.model_h using (model_hk)
      join gateway.ai_provider_h using (provider_hk)`;
    for (const { model_provider_link_hk, model_hk, provider_hk } of deployments) {
      if (!(Date.parse(day) >= (starts.get(model_provider_link_hk) ?? Number.POSITIVE_INFINITY))) continue;
      lines.push(
        [
          ...[day, model_provider_link_hk, model_hk, provider_hk],
          price.get(model_provider_link_hk) ?? GHOST,
          of_model.get(model_hk) ?? GHOST,
          of_provider.get(provider_hk) ?? GHOST,
        ].join(' '),
      );
    }
  }
  return lines.sort();
};

/** By key, the day in whose course something was first both true and known. */
const firstDays = async (
  states: PromiseLike<readonly Record<string, string>[]>,
  known: string,
): Promise<Map<string, number>> => {
  const found = new Map<string, number>();
  for (const { key = '', applied_date = '', load_date = '' } of await states) {
    if (key === GHOST_KEY || Date.parse(load_date) > Date.parse(known)) continue;
    const ms = Math.max(Date.parse(applied_date), Date.parse(load_date));
    found.set(key, Math.min(found.get(key) ?? Number.POSITIVE_INFINITY, Math.floor(ms / DAY_MS) * DAY_MS));
  }
  return found;
};

/** The days from the first of any key on, each with its last instant. */
const daysUntil = (starts: ReadonlyMap<string, number>, until_ms: number) => {
  const days: { day: string; applied: string }[] = [];
  for (let ms = Math.min(...starts.values(), until_ms); ms < until_ms; ms += DAY_MS) {
    days.push({ day: instantOf(ms), applied: `${instantOf(ms + DAY_MS - 1).slice(0, -1)}999Z` });
  }
  return days;
};

/** By key, the key of the row that a reader finds. */
const heldAt = async (
  sql: Sql,
  table: SatelliteTable,
  hash_key: string,
  applied: string,
  known: string,
): Promise<Map<string, string>> => {
  const found = (await reader.asOf(sql, table, { applied, known })) as unknown as Record<string, string>[];
  return new Map(
    found.map((row) => [
      row[hash_key] ?? '',
      [row[hash_key], row.applied_date, row.load_date, row.hash_diff].join(' '),
    ]),
  );
};
