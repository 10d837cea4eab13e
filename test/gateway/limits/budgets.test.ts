import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock } from '../../../src/core/clock.ts';
import { usdFromPico } from '../../../src/core/money.ts';
import { createBudgetCounters, type Reservation } from '../../../src/gateway/limits/budgets.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { errorOf, until } from '../../support/http.ts';

const amount = fc.bigInt({ min: 0n, max: 10n ** 18n });

describe('the budget counters', () => {
  it('never exceed a limit, and end at exactly the spent amount, in any order of reservations and settlements', async () => {
    await fc.assert(
      fc.asyncProperty(
        amount,
        amount,
        fc.array(fc.record({ amount, spent_percent: fc.bigInt({ min: 0n, max: 100n }), settles: fc.boolean() }), {
          maxLength: 60,
        }),
        async (month, day, calls) => {
          const counters = createBudgetCounters();
          const budgets = [
            { key: 'acme/2026-11', limit: month },
            { key: 'acme/2026-11-21', limit: day },
            { key: 'acme/no-limit', limit: null },
          ];
          const held: { reservation: Reservation; spent: bigint }[] = [];
          let total = 0n;
          const settleOne = async () => {
            const { reservation, spent } = held.pop()!;
            await counters.settle(reservation, spent);
            total += spent - reservation.amount;
          };
          for (const call of calls) {
            const reservation = { budgets, amount: call.amount };
            const exceeded = await counters.reserve(reservation);
            const fits = total + call.amount <= month && total + call.amount <= day;
            assert.equal(exceeded === null, fits);
            if (exceeded === null) {
              held.push({ reservation, spent: (call.amount * call.spent_percent) / 100n });
              total += call.amount;
            }
            if (call.settles && held.length > 0) await settleOne();
            for (const { key, limit } of budgets) {
              assert.equal(counters.total(key), total, 'all budgets or none');
              assert.ok(limit === null || counters.total(key) <= limit);
            }
          }
          const sum = held.reduce((spent, each) => spent + each.spent - each.reservation.amount, total);
          while (held.length > 0) await settleOne();
          assert.equal(counters.total('acme/2026-11'), sum);
        },
      ),
    );
  });

  it('restore earlier spending by month and by day', async () => {
    const counters = createBudgetCounters();
    counters.restore([
      { scope: 'acme', day: '2026-11-20', amount: 5n },
      { scope: 'acme', day: '2026-11-21', amount: 7n },
      { scope: 'other', day: '2026-11-21', amount: 100n },
    ]);
    assert.equal(counters.total('acme/2026-11'), 12n);
    assert.equal(counters.total('acme/2026-11-21'), 7n);
    const budgets = [{ key: 'acme/2026-11', limit: 13n }];
    assert.deepEqual(await counters.reserve({ budgets, amount: 2n }), budgets[0]);
    assert.equal(await counters.reserve({ budgets, amount: 1n }), null);
  });
});

const TOKENS = 8;
const bodyWith = (directive: string) => ({
  model: 'gpt-4o-mini',
  max_tokens: TOKENS,
  messages: [{ role: 'user', content: `Hi [[sandbox: ${directive}]]` }],
});

describe("a customer's budget", () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;
  /** Admitted calls wait for it before they go to the provider. */
  let released: Promise<void> = Promise.resolve();

  before(async () => {
    gateway = await startTestGateway({
      clock,
      aroundJournal: (journal) => ({
        ...journal,
        append: async (record) => {
          if (record.kind === 'intent') await released;
          return journal.append(record);
        },
      }),
    });
  });
  after(() => gateway.close());

  /** Maximum cost and real cost of a call, in pico-dollars. */
  const costsOf = async (body: object) => {
    const call = await gateway.recorded((await gateway.chat(body)).request_id);
    return {
      max_cost: (BigInt(call.route!.candidates[0]!.worst_cost!) * 10n) / 12n,
      cost: BigInt(call.provider_cost!),
    };
  };

  const spentInVault = async (customer: string): Promise<bigint> => {
    await gateway.drain();
    const [row] = await gateway.database.sql<{ spent: string }[]>`
      select coalesce(sum(s.customer_cost), 0)::text as spent
      from gateway.api_request_s s
      join gateway.api_request_l l using (api_request_hk)
      join gateway.customer_h c using (customer_hk)
      where c.customer_bk = ${customer}`;
    return BigInt(row!.spent);
  };

  it('for 50 calls admits 50 of 200 concurrent calls, and settles to the exact pico-dollar', async () => {
    const body = bodyWith(`tokens=${TOKENS}`);
    const { max_cost, cost } = await costsOf(body);
    const { key } = await gateway.newCustomer({
      slug: 'fifty',
      cost_budget_monthly: usdFromPico(max_cost * 50n),
    });
    // No call is settled before the last one is reserved or refused.
    const { promise, resolve } = Promise.withResolvers<void>();
    released = promise;
    let refused = 0;
    const calls = Array.from({ length: 200 }, async () => {
      const response = await gateway.chat(body, key);
      if (response.status === 402) refused += 1;
      return response;
    });
    await until(() => refused >= 150, 'all calls but 50 are refused');
    resolve();
    const responses = await Promise.all(calls);
    assert.equal(responses.filter(({ status }) => status === 200).length, 50);
    assert.equal(responses.filter(({ status }) => status === 402).length, 150);
    assert.equal(gateway.budgets.total('fifty/2026-11'), cost * 50n);
    assert.equal(gateway.budgets.total('fifty/2026-11-21'), cost * 50n);
    assert.equal(await spentInVault('fifty'), cost * 50n);
    const rows = await gateway.database.sql<{ error_code: string | null; calls: number }[]>`
      select s.error_code, count(*) as calls
      from gateway.api_request_s s
      join gateway.api_request_l l using (api_request_hk)
      join gateway.customer_h c using (customer_hk)
      where c.customer_bk = 'fifty'
      group by s.error_code
      order by s.error_code nulls first`;
    assert.deepEqual(
      [...rows].map(({ error_code, calls }) => [error_code, calls]),
      [
        [null, 50],
        ['budget_exceeded', 150],
      ],
    );
  });

  it('is used up call by call and never exceeded, and the vault holds the same sum as the counter', async () => {
    const body = bodyWith(`tokens=${TOKENS}`);
    const { max_cost, cost } = await costsOf(body);
    const limit = max_cost + cost * 7n;
    const { key } = await gateway.newCustomer({ slug: 'small', cost_budget_monthly: usdFromPico(limit) });
    const statuses: number[] = [];
    for (let call = 0; call < 12; call += 1) {
      statuses.push((await gateway.chat(body, key)).status);
      assert.ok(gateway.budgets.total('small/2026-11') <= limit);
    }
    assert.deepEqual(statuses, [...Array<number>(8).fill(200), ...Array<number>(4).fill(402)]);
    assert.equal(gateway.budgets.total('small/2026-11'), cost * 8n);
    assert.equal(await spentInVault('small'), cost * 8n);
  });

  it('that is too small for a call refuses it with 402 and states the maximum cost, the rest and the remedy', async () => {
    const { key } = await gateway.newCustomer({ slug: 'poor', cost_budget_daily: '0.000001' });
    const seen = gateway.sandbox.requests_seen();
    const response = await gateway.chat(bodyWith('tokens=8'), key);
    assert.equal(response.status, 402);
    const error = errorOf(response);
    assert.equal(error.code, 'budget_exceeded');
    assert.equal(error.type, 'billing_error');
    assert.match(
      error.details!,
      /can cost 0\.0000\d+ USD, but the budget poor\/2026-11-21 has 0\.000001 USD left\. Lower max_tokens/,
    );
    const call = await gateway.recorded(response.request_id);
    assert.equal(call.response_status, 'REFUSED');
    assert.equal(call.customer_cost, '0');
    assert.equal(gateway.budgets.total('poor/2026-11'), 0n);
    assert.equal(gateway.sandbox.requests_seen(), seen);
  });

  it('for the day starts again on the next day, while the one for the month does not', async () => {
    const body = bodyWith(`tokens=${TOKENS}`);
    const { max_cost } = await costsOf(body);
    const { key } = await gateway.newCustomer({
      slug: 'daily',
      cost_budget_daily: usdFromPico(max_cost),
      cost_budget_monthly: usdFromPico(max_cost * 10n),
    });
    assert.equal((await gateway.chat(body, key)).status, 200);
    assert.equal((await gateway.chat(body, key)).status, 402);
    clock.advance(24 * 3_600_000);
    assert.equal((await gateway.chat(body, key)).status, 200);
    const day = gateway.budgets.total('daily/2026-11-22');
    assert.equal(gateway.budgets.total('daily/2026-11'), day * 2n);
  });

  it('is never exceeded by a token count above the limit that the provider was given', async () => {
    // A word is one token to the sandbox, but several to the tokenizer that counts a broken stream.
    const body = {
      model: 'gpt-4o-mini',
      stream: true,
      max_tokens: 4,
      messages: [
        {
          role: 'user',
          content: `${'Donaudampfschifffahrtsgesellschaft'.repeat(3)} [[sandbox: cut_after=4 token_interval_ms=5]]`,
        },
      ],
    };
    const { request_id } = await gateway.chat(body);
    const call = await gateway.recorded(request_id);
    assert.equal(call.usage_source, 'counted');
    assert.equal(call.completion_tokens, 4);
    assert.ok(BigInt(call.customer_cost!) <= BigInt(call.route!.candidates[0]!.worst_cost!));
  });
});
