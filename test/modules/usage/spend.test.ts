import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock, instantOf } from '../../../src/core/clock.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import type { Sql } from '../../../src/postgres/connect.ts';
import { addCustomer, createCallFeed, jobDeps } from '../../support/calls.ts';
import { createTestDatabase } from '../../support/database.ts';

const START_MS = Date.parse('2026-10-28T00:00:00Z');
const DAY_MS = 86_400_000;
const AT = ['2026-10-30T12:00:00.000Z', '2026-11-01T00:00:00.000Z', '2026-11-03T07:05:00.000Z'];
const BUDGETS: Readonly<Record<string, bigint | null>> = { acme: 5n * 10n ** 12n, globex: null };

const call = fc
  .record({
    offset_ms: fc.integer({ min: 0, max: 8 * DAY_MS - 1 }),
    customer: fc.constantFrom('acme', 'globex'),
    model: fc.constantFrom('gpt-4o', 'gpt-4o-mini'),
    provider_cost: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    // Below 0 where a customer agreed on less than the provider charges.
    gateway_markup: fc.bigInt({ min: -(10n ** 12n), max: 10n ** 11n }),
    total_tokens: fc.integer({ min: 0, max: 10_000 }),
    round: fc.integer({ min: 0, max: 2 }),
  })
  // The customer is never paid.
  .map((each) => ({ ...each, gateway_markup: each.gateway_markup % (each.provider_cost + 1n) }));

type Generated = typeof call extends fc.Arbitrary<infer T> ? T : never;

describe('the job spend', () => {
  it('writes the same totals as a simple computation, whenever calls arrive', async function () {
    this.timeout(300_000);
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        const database = await createTestDatabase();
        try {
          const clock = fixedClock('2026-11-10T00:00:00Z');
          for (const [customer, budget] of Object.entries(BUDGETS)) {
            await addCustomer(database.sql, { customer, budget: budget?.toString() ?? null });
          }
          const feed = createCallFeed(database.sql, clock);
          const deps = jobDeps(database, clock);
          for (const [round, at] of AT.entries()) {
            await feed.send(
              calls
                .filter((each) => each.round === round)
                .map(({ offset_ms, round: _, provider_cost, gateway_markup, ...facts }) => ({
                  ...facts,
                  provider_cost: provider_cost.toString(),
                  gateway_markup: gateway_markup.toString(),
                  customer_cost: (provider_cost + gateway_markup).toString(),
                  request_timestamp: instantOf(START_MS + offset_ms),
                })),
            );
            clock.advance(1_000);
            await runJob(deps, 'spend', { at });
            assert.deepEqual(
              await currentSpend(database.sql),
              reference(
                calls.filter((each) => each.round <= round),
                at,
              ),
            );
            clock.advance(1_000);
          }
          assert.equal((await runJob(deps, 'spend', { at: AT[2]! })).rows_out, 0);
        } finally {
          await database.drop();
        }
      }),
      { numRuns: 8 },
    );
  });

  it('includes calls that arrived after a run for a future instant', async () => {
    const database = await createTestDatabase();
    try {
      const clock = fixedClock('2026-11-10T00:00:00Z');
      await addCustomer(database.sql, { customer: 'acme' });
      const feed = createCallFeed(database.sql, clock);
      const deps = jobDeps(database, clock);
      await feed.send([{ request_timestamp: '2026-11-05T00:00:00.000Z' }]);
      clock.advance(1_000);
      await runJob(deps, 'spend', { at: '2026-12-01T00:00:00Z', allow_future: true });
      clock.advance(600_000);
      await feed.send([{ request_timestamp: '2026-11-10T00:03:00.000Z' }]);
      clock.advance(1_000);
      await runJob(deps, 'spend', { at: '2026-11-10T00:10:00Z' });
      assert.deepEqual(
        (await currentSpend(database.sql)).map((each) => each.total_requests),
        [2],
      );
    } finally {
      await database.drop();
    }
  });

  it('recomputes a month whose invoice was issued since', async () => {
    const database = await createTestDatabase();
    try {
      const clock = fixedClock('2026-11-10T00:00:00Z');
      await addCustomer(database.sql, { customer: 'acme' });
      const deps = jobDeps(database, clock);
      await createCallFeed(database.sql, clock).send([{ request_timestamp: '2026-10-30T00:00:00.000Z' }]);
      const status = async (): Promise<string> => {
        clock.advance(1_000);
        await runJob(deps, 'spend', { at: '2026-11-05T00:00:00Z' });
        clock.advance(1_000);
        const [row] = await database.sql`select s.billing_status from gateway.customer_spending_s_current s
          where s.billing_period = '2026-10-01'`;
        return row?.billing_status;
      };
      assert.equal(await status(), 'PENDING');
      await runJob(deps, 'invoices', { at: '2026-11-05T00:00:00Z' });
      assert.equal(await status(), 'BILLED');
    } finally {
      await database.drop();
    }
  });
});

const currentSpend = async (sql: Sql) => [
  ...(await sql`
    select h.spending_bk, s.total_requests, s.total_tokens, s.total_provider_cost, s.total_gateway_revenue,
      s.total_customer_charges, s.cost_by_provider, s.cost_by_model, s.overage_charges, s.billing_status
    from gateway.customer_spending_s_current s
    join gateway.customer_spending_h h using (spending_hk)
    where h.spending_bk <> 'unknown'
    order by h.spending_bk`),
];

const reference = (calls: readonly Generated[], at: string) => {
  const known = calls.filter((each) => START_MS + each.offset_ms < Date.parse(at));
  const groups = Map.groupBy(known, (each) => `${each.customer}/${instantOf(START_MS + each.offset_ms).slice(0, 7)}`);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([spending_bk, its]) => {
      const total = charges(its);
      const budget = BUDGETS[its[0]!.customer] ?? null;
      const over = budget === null || total <= budget ? 0n : total - budget;
      return {
        spending_bk,
        total_requests: its.length,
        total_tokens: its.reduce((sum, each) => sum + each.total_tokens, 0),
        total_provider_cost: its.reduce((sum, each) => sum + each.provider_cost, 0n).toString(),
        total_gateway_revenue: its.reduce((sum, each) => sum + each.gateway_markup, 0n).toString(),
        total_customer_charges: total.toString(),
        cost_by_provider: { openai: total.toString() },
        cost_by_model: Object.fromEntries(
          [...Map.groupBy(its, (each) => each.model)].map(([model, of_model]) => [model, charges(of_model).toString()]),
        ),
        overage_charges: budget === null ? null : over.toString(),
        billing_status: 'PENDING',
      };
    });
};

const charges = (calls: readonly Generated[]): bigint =>
  calls.reduce((sum, each) => sum + each.provider_cost + each.gateway_markup, 0n);
