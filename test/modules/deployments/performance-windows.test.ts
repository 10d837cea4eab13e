import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock, instantOf } from '../../../src/core/clock.ts';
import { runJob } from '../../../src/jobs/run-job.ts';
import { addCustomer, createCallFeed, jobDeps, type TestCall, WRITERS } from '../../support/calls.ts';
import { createTestDatabase } from '../../support/database.ts';

const START_MS = Date.parse('2026-11-21T09:50:00Z');
const WINDOW_MS = 300_000;
const AT = ['2026-11-21T10:00:00.000Z', '2026-11-21T10:05:00.000Z', '2026-11-21T10:10:00.000Z'];

const call = fc.record({
  offset_ms: fc.integer({ min: 0, max: 20 * 60_000 - 1 }),
  model: fc.constantFrom('gpt-4o', 'gpt-4o-mini', null),
  response_status: fc.constantFrom('SUCCESS', 'SUCCESS', 'SUCCESS', 'ERROR', 'TIMEOUT', 'REFUSED', 'CANCELLED'),
  upstream_latency_ms: fc.integer({ min: 0, max: 5_000 }),
  time_to_first_token_ms: fc.option(fc.integer({ min: 0, max: 900 })),
  is_streamed: fc.boolean(),
  total_tokens: fc.option(fc.integer({ min: 0, max: 10_000 })),
  rating: fc.constantFrom('RATED', 'UNPRICED', 'NONE'),
  provider_cost: fc.bigInt({ min: 0n, max: 10n ** 14n }).map(String),
  error_code: fc.constantFrom('provider_error', 'provider_timeout', 'provider_key_refused', 'provider_rejected'),
  paid_by: fc.constantFrom('nobody', 'operator', 'operator', 'key', 'key at own endpoint', 'key for own model'),
  round: fc.integer({ min: 0, max: 2 }),
  writer: fc.constantFrom(...WRITERS),
});

type Generated = typeof call extends fc.Arbitrary<infer T> ? T : never;

describe('the job performance-windows', () => {
  it('writes the same windows as a simple computation, whenever calls arrive', async function () {
    this.timeout(300_000);
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        const database = await createTestDatabase();
        try {
          const clock = fixedClock('2026-11-21T11:00:00Z');
          const feed = createCallFeed(database.sql, clock);
          const deps = jobDeps(database, clock);
          for (const [round, at] of AT.entries()) {
            for (const writer of WRITERS) {
              await feed.send(
                calls.filter((each) => each.round === round && each.writer === writer).map(toCall),
                writer,
              );
            }
            clock.advance(1_000);
            await runJob(deps, 'performance-windows', { at });
            const expected = reference(
              calls.filter((each) => each.round <= round),
              at,
            );
            assert.deepEqual(await currentWindows(database.sql), expected);
            clock.advance(1_000);
          }
          const again = await runJob(deps, 'performance-windows', { at: AT[2]! });
          assert.equal(again.rows_out, 0);
        } finally {
          await database.drop();
        }
      }),
      { numRuns: 8 },
    );
  });

  it('keeps the old row of a window that a late call reopens, and reads only that window again', async () => {
    const database = await createTestDatabase();
    try {
      const clock = fixedClock('2026-11-21T11:00:00Z');
      await addCustomer(database.sql, { customer: 'acme' });
      const feed = createCallFeed(database.sql, clock);
      const deps = jobDeps(database, clock);
      await feed.send([
        { request_timestamp: '2026-11-21T09:51:00.000Z' },
        { request_timestamp: '2026-11-21T09:56:00.000Z' },
      ]);
      clock.advance(1_000);
      const first = await runJob(deps, 'performance-windows', { at: AT[0]! });
      assert.deepEqual([first.rows_in, first.rows_out], [2, 2]);
      await feed.send([{ request_timestamp: '2026-11-21T09:52:00.000Z', recorded_at: '2026-11-21T10:58:00.000Z' }]);
      clock.advance(1_000);
      const second = await runJob(deps, 'performance-windows', { at: AT[1]! });
      assert.deepEqual([second.rows_in, second.rows_out], [2, 1]);
      const rows = await database.sql`
        select s.total_requests, s.applied_date
        from gateway.provider_performance_s s
        join gateway.provider_performance_h h using (performance_hk)
        where h.performance_bk = 'openai/gpt-4o/2026-11-21T09:50:00Z'
        order by s.load_date`;
      assert.deepEqual(
        [...rows],
        [
          { total_requests: 1, applied_date: '2026-11-21T09:55:00.000Z' },
          { total_requests: 2, applied_date: '2026-11-21T09:55:00.000Z' },
        ],
      );
    } finally {
      await database.drop();
    }
  });
});

const PROVIDER_KEY = '00000000-0000-7000-a000-000000000009';

/** As the gateway records it; of a call that got no route there is nothing to record. */
const routeOf = (model: string | null, error_code: string | null, paid_by: Generated['paid_by']) => {
  if (model === null || paid_by === 'nobody') return null;
  const attempt = { provider: 'openai', model, latency_ms: 1, http_status: 200, error_code };
  const failed = { ...attempt, provider_key: PROVIDER_KEY, customers_own: 'endpoint' as const };
  return {
    candidates: [],
    // Only the last attempt counts.
    attempts: [
      failed,
      {
        ...attempt,
        provider_key: paid_by === 'operator' ? null : PROVIDER_KEY,
        ...(paid_by === 'key at own endpoint' && { customers_own: 'endpoint' as const }),
        ...(paid_by === 'key for own model' && { customers_own: 'model' as const }),
      },
    ],
    decision: 'test',
    rule_version: null,
    max_cost: null,
  };
};

const hasFailed = ({ response_status }: Generated): boolean => ['ERROR', 'TIMEOUT'].includes(response_status);
const isOperators = ({ paid_by }: Generated): boolean => paid_by === 'operator' || paid_by === 'nobody';
/** True if the call says something about the provider's performance. */
const isTelling = (each: Generated): boolean =>
  isOperators(each) ||
  (each.paid_by === 'key' && (!hasFailed(each) || ['provider_error', 'provider_timeout'].includes(each.error_code)));

const toCall = ({ offset_ms, round: _, writer: __, paid_by, model, ...facts }: Generated): TestCall => ({
  ...facts,
  route: routeOf(model, facts.error_code, paid_by),
  response_status: facts.response_status as 'SUCCESS',
  rating: facts.rating as 'RATED',
  model,
  provider: model === null ? null : 'openai',
  request_timestamp: instantOf(START_MS + offset_ms),
});

const currentWindows = async (sql: Awaited<ReturnType<typeof createTestDatabase>>['sql']) => [
  ...(await sql`
    select h.performance_bk, s.total_requests, s.successful_requests, s.failed_requests, s.average_latency_ms,
      s.p95_latency_ms, s.p99_latency_ms, s.average_time_to_first_token_ms, s.p95_time_to_first_token_ms,
      s.error_rate_percent::float8, s.availability_percent::float8, s.tokens_processed, s.average_cost_per_token
    from gateway.provider_performance_s_current s
    join gateway.provider_performance_h h using (performance_hk)
    where h.performance_bk <> 'unknown'
    order by h.performance_bk collate "C"`),
];

const reference = (calls: readonly Generated[], at: string) => {
  const until_ms = Date.parse(at);
  const groups = Map.groupBy(
    calls.filter((each) => each.model !== null && isTelling(each) && START_MS + each.offset_ms < until_ms),
    (each) => {
      const start_ms = START_MS + Math.floor(each.offset_ms / WINDOW_MS) * WINDOW_MS;
      return `openai/${each.model}/${instantOf(start_ms).replace('.000', '')}`;
    },
  );
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([performance_bk, its]) => {
      const good = its.filter((each) => each.response_status === 'SUCCESS');
      const bad = its.filter(hasFailed);
      const latencies = good.map((each) => each.upstream_latency_ms);
      const first_tokens = its.filter((each) => each.is_streamed).flatMap((each) => each.time_to_first_token_ms ?? []);
      const rated = its.filter((each) => each.rating === 'RATED' && isOperators(each));
      const rated_tokens = sum(rated.map((each) => each.total_tokens ?? 0));
      const cost = rated.reduce((total, each) => total + BigInt(each.provider_cost), 0n);
      return {
        performance_bk,
        total_requests: its.length,
        successful_requests: good.length,
        failed_requests: bad.length,
        average_latency_ms: mean(latencies),
        p95_latency_ms: percentile(latencies, 0.95),
        p99_latency_ms: percentile(latencies, 0.99),
        average_time_to_first_token_ms: mean(first_tokens),
        p95_time_to_first_token_ms: percentile(first_tokens, 0.95),
        error_rate_percent: percent(bad.length, its.length),
        availability_percent: percent(good.length, good.length + bad.length),
        tokens_processed: sum(its.map((each) => each.total_tokens ?? 0)),
        average_cost_per_token: rated_tokens === 0 ? null : ratio(cost, BigInt(rated_tokens)),
      };
    });
};

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : Math.round(sum(values) / values.length);
/** The smallest value that at least this share of the values does not exceed. */
const percentile = (values: readonly number[], share: number): number | null =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null;
const percent = (part: number, whole: number): number | null =>
  whole === 0 ? null : Math.round((part / whole) * 1e8) / 1e6;
/** Six decimals, rounded half up, without trailing zeros. */
const ratio = (dividend: bigint, divisor: bigint): string => {
  const digits = ((dividend * 2_000_000n + divisor) / (2n * divisor)).toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '');
};
