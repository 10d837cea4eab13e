import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProducts, eventually, inDatabase, type ProductProcess } from './product-process.ts';
import { sendCall } from './send-call.ts';

const CLIENTS = 32;
const ROUNDS = 5;
// Long enough that calls are in every state when the kill comes, and short enough that each round has hundreds.
const LONGEST_ROUND_MS = 700;
const TEXTS = ['short', 'some words [[sandbox: tokens=30, token_interval_ms=2]]', 'late [[sandbox: latency_ms=60]]'];

describe('an acknowledged response', function () {
  this.timeout(300_000);
  const products = createProducts();
  let product: ProductProcess;

  before(async () => {
    product = await products.start(products.folder());
  });
  after(() => products.cleanUp());

  it(`has exactly one outcome in the vault, whenever the serving process is killed (kill -9, ${ROUNDS} rounds, ${CLIENTS} clients)`, async () => {
    const acknowledged: string[] = [];
    let broken = 0;
    let is_over = false;
    const client = async (_: unknown, number: number): Promise<void> => {
      for (let sent = number; !is_over; sent += 1) {
        const input = { ...product, stream: sent % 2 === 0, text: TEXTS[sent % TEXTS.length]! };
        const response = await sendCall(input).catch(() => null);
        if (response?.is_complete === true && response.status === 200) acknowledged.push(response.request_id);
        else {
          broken += 1;
          await sleep(20);
        }
      }
    };
    const clients = Array.from({ length: CLIENTS }, client);
    const killAtRandom = async (): Promise<void> => {
      const before = acknowledged.length;
      await eventually('responses', () => (acknowledged.length > before + CLIENTS ? true : undefined));
      await sleep(randomInt(LONGEST_ROUND_MS));
      process.kill(product.pidOf('child serve'), 'SIGKILL');
    };
    try {
      for (let round = 0; round < ROUNDS; round += 1) await killAtRandom();
      await eventually('the last restart', () => sendCall({ ...product, text: 'up' }).catch(() => undefined));
    } finally {
      is_over = true;
    }
    await Promise.all(clients);
    assert.ok(acknowledged.length > ROUNDS * CLIENTS, `${acknowledged.length} responses`);
    assert.ok(broken >= ROUNDS, `only ${broken} calls met a kill`);
    assert.equal(new Set(acknowledged).size, acknowledged.length, 'no request id was given twice');

    await eventually('the journal in the vault', async () => {
      const metrics = await (await fetch(`${product.url}/metrics`)).text();
      return /^onevault_journal_records 0$/m.test(metrics) ? true : undefined;
    });
    await inDatabase(product.database_url, async (sql) => {
      const outcomes = await sql<{ request_id: string; status: string; count: number }[]>`
        select h.api_request_bk as request_id, min(s.response_status) as status, count(*) as count
        from gateway.api_request_h h
        join gateway.api_request_l l using (api_request_hk)
        join gateway.api_request_s s using (api_request_hk)
        group by 1`;
      assert.deepEqual(
        outcomes.filter(({ count }) => count !== 1),
        [],
        'no call has two outcomes',
      );
      const statuses = new Map(outcomes.map(({ request_id, status }) => [request_id, status]));
      const lost = acknowledged.filter((request_id) => statuses.get(request_id) !== 'SUCCESS');
      assert.deepEqual(lost, [], `${lost.length} of ${acknowledged.length} acknowledged responses are lost`);
      assert.ok([...statuses.values()].includes('ABANDONED'), 'calls in flight were recorded');

      const writers = await sql`
        select
          b.writer,
          min(b.first_sequence) as first,
          max(b.last_sequence) - sum(b.record_count)::bigint as missing,
          sum(b.last_sequence - b.first_sequence + 1)::bigint - sum(b.record_count)::bigint as overlap
        from ops.journal_batch b
        group by b.writer`;
      assert.ok(writers.length > ROUNDS, `${writers.length} writers`);
      for (const { first, missing, overlap } of writers) assert.deepEqual([first, missing, overlap], [1, 0, 0]);
      const [row] = await sql`select count(*) as refused from ops.load_error`;
      assert.equal(row!.refused, 0);
    });
  });
});
