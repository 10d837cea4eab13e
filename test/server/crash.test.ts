import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProducts, eventually, inDatabase, isRunning, type ProductProcess } from './product-process.ts';
import { administer, sendCall } from './send-call.ts';

/** A customer's key and what its budget (USD) leaves room for: one call, and then no second one. */
const NARROW_BUDGET = '0.00004';
const NARROW_CALL = { text: 'spend [[sandbox: tokens=20]]', max_tokens: 20 };

describe('the product after a kill of its parts', function () {
  this.timeout(300_000);
  const products = createProducts();
  let product: ProductProcess;
  let narrow_key: string;
  const answered: string[] = [];

  before(async () => {
    product = await products.start(products.folder());
    await administer(product, '/customers', { slug: 'narrow', cost_budget_monthly: NARROW_BUDGET });
    narrow_key = (await administer(product, '/api-keys', { customer: 'narrow', name: 'narrow' })).key as string;
  });
  after(() => products.cleanUp());

  const call = async (text: string): Promise<void> => {
    const { status, request_id } = await sendCall({ ...product, text });
    assert.equal(status, 200);
    answered.push(request_id);
  };
  const statusesOf = (request_ids: readonly string[]) =>
    inDatabase(product.database_url, async (sql) => [
      ...(await sql<{ request_id: string; status: string }[]>`
        select h.api_request_bk as request_id, s.response_status as status
        from gateway.api_request_h h
        join gateway.api_request_s s using (api_request_hk)
        where h.api_request_bk = any (${request_ids as string[]})`),
    ]);
  const allInVault = async (): Promise<void> => {
    const found = await eventually('the answered calls in the vault', async () => {
      const rows = await statusesOf(answered);
      return rows.length >= answered.length ? rows : undefined;
    });
    assert.deepEqual(found.map(({ request_id }) => request_id).sort(), [...answered].sort());
    assert.ok(found.every(({ status }) => status === 'SUCCESS'));
  };
  const spend = (): Promise<number> =>
    sendCall({ ...product, api_key: narrow_key, ...NARROW_CALL }).then(({ status }) => status);

  it('continues after kill -9 of the serving process: at the same address, with calls in flight recorded as ABANDONED', async () => {
    await call('before');
    const in_flight = Array.from({ length: 5 }, () =>
      sendCall({ ...product, text: 'cut [[sandbox: latency_ms=5000]]' }).catch(() => null),
    );
    await sleep(400);
    process.kill(product.pidOf('child serve'), 'SIGKILL');
    assert.deepEqual(await Promise.all(in_flight), [null, null, null, null, null]);
    await eventually('the next answer', () =>
      call('after').then(
        () => true,
        () => undefined,
      ),
    );
    const abandoned = await eventually('the abandoned calls', () =>
      inDatabase(product.database_url, async (sql) => {
        const rows = await sql`
          select s.http_status, s.error_code, s.rating, s.customer_cost
          from gateway.api_request_s s
          where s.response_status = 'ABANDONED'`;
        return rows.length === 5 ? rows : undefined;
      }),
    );
    for (const row of abandoned) {
      assert.deepEqual(
        { ...row },
        { http_status: 503, error_code: 'abandoned', rating: 'UNPRICED', customer_cost: null },
      );
    }
    await allInVault();
  });

  it('serves calls while PostgreSQL is killed and restarts, and loads all of them into the vault afterwards', async () => {
    const postmaster = product.pidOf('bin/postgres');
    let is_back = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!is_back) await call('meanwhile');
    });
    await sleep(200);
    process.kill(postmaster, 'SIGKILL');
    await eventually('the new PostgreSQL', () =>
      isRunning(postmaster) ? undefined : statusesOf([]).catch(() => undefined),
    );
    is_back = true;
    await Promise.all(clients);
    assert.ok(answered.length > 20, `${answered.length} calls`);
    await allInVault();
  });

  it('enforces a budget, even across kill -9 of the serving process', async () => {
    assert.equal(await spend(), 200);
    assert.equal(await spend(), 402);
    process.kill(product.pidOf('child serve'), 'SIGKILL');
    const after = await eventually('an answer', () => spend().catch(() => undefined));
    assert.equal(after, 402);
  });

  it('recovers from kill -9 of everything at once: keys, budgets and every answered call are kept', async () => {
    const clients = Array.from({ length: 8 }, async () => {
      for (;;) {
        const response = await sendCall({ ...product, text: 'to the end' }).catch(() => null);
        if (response === null || !response.is_complete) return;
        answered.push(response.request_id);
      }
    });
    await sleep(300);
    const before = answered.length;
    await product.killTree();
    await Promise.all(clients);
    const { api_key, admin_key, url } = product;
    product = await products.start(product.data_dir, { PORT: new URL(url).port });
    assert.deepEqual([product.api_key, product.admin_key, product.url], [api_key, admin_key, url]);
    assert.ok(before > 20, `${before} calls`);
    await call('again');
    await allInVault();
    assert.equal(await spend(), 402);
  });

  it('exits at SIGTERM after its current call is answered, with code 0 and no process left', async () => {
    const under_way = sendCall({ ...product, text: 'slow [[sandbox: latency_ms=1000]]' });
    await sleep(300);
    const processes = product.processes();
    assert.deepEqual(await product.stop('SIGTERM'), { code: 0, signal: null });
    assert.equal((await under_way).status, 200);
    assert.deepEqual(
      processes.filter(({ pid }) => isRunning(pid)),
      [],
    );
  });
});
