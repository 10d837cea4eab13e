import assert from 'node:assert/strict';
import { openRealtime } from '../support/realtime.ts';
import { createProducts, eventually, inDatabase } from './product-process.ts';

describe('a realtime session of a serving process that is killed', function () {
  this.timeout(300_000);
  const products = createProducts();
  after(() => products.cleanUp());

  it('is recorded as ABANDONED with the usage of its responses, at its price', async () => {
    const product = await products.start(products.folder());
    const session = await openRealtime(product);
    const done = [await session.prompt('Good morning'), await session.prompt('And now')];
    process.kill(product.pidOf('child serve'), 'SIGKILL');
    assert.equal((await session.closed()).code, 1006);
    const [call] = await eventually('the abandoned session', () =>
      inDatabase(product.database_url, async (sql) => {
        const rows = await sql`
          select s.response_status, s.error_code, s.rating, s.usage_source, s.prompt_tokens, s.completion_tokens,
            s.provider_cost, s.customer_cost > 0 as is_paid, s.request_commitment is not null as is_committed,
            s.response_commitment is not null as is_answer_committed
          from gateway.api_request_s s
          join gateway.api_request_h h using (api_request_hk)
          where h.api_request_bk = ${session.request_id}`;
        return rows.length > 0 ? rows : undefined;
      }),
    );
    const sum = (part: 'input_tokens' | 'output_tokens'): number =>
      done.reduce((total, { usage }) => total + usage[part], 0);
    const [prompt_tokens, completion_tokens] = [sum('input_tokens'), sum('output_tokens')];
    assert.deepEqual(
      { ...call },
      {
        response_status: 'ABANDONED',
        error_code: 'abandoned',
        rating: 'RATED',
        usage_source: 'provider',
        prompt_tokens,
        completion_tokens,
        provider_cost: String(BigInt(prompt_tokens) * 4_000_000n + BigInt(completion_tokens) * 16_000_000n),
        is_paid: true,
        is_committed: true,
        is_answer_committed: true,
      },
    );
  });

  it('ends with 1001 when the product stops, and is in the vault', async () => {
    const product = await products.start(products.folder());
    const session = await openRealtime(product);
    await session.prompt('Good morning');
    const stopped = product.stop('SIGTERM');
    assert.equal((await session.closed()).code, 1001);
    assert.equal((await stopped).code, 0);
  });
});
