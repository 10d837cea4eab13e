import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { dataOf, errorOf } from '../../support/http.ts';

interface CustomerBody {
  readonly slug: string;
  readonly [field: string]: unknown;
}

interface ListBody {
  readonly data: readonly CustomerBody[];
  readonly links: { readonly next: string | null };
}

describe('the resource /customers', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('creates a customer, shows it with its defaults, and records its author in the vault', async () => {
    const made = await gateway.admin('POST', '/customers', { slug: 'acme', cost_budget_monthly: '12.5' });
    assert.equal(made.status, 201);
    const body = dataOf<CustomerBody>(made);
    assert.deepEqual(
      { ...body, created_at: null },
      {
        slug: 'acme',
        name: 'acme',
        status: 'ACTIVE',
        tenant: 'demo',
        cost_budget_monthly: '12.5',
        cost_budget_daily: null,
        rate_limit_requests_per_minute: null,
        priority_tier: 'STANDARD',
        compliance_level: null,
        preferred_providers: null,
        webhook_url: null,
        markup_basis_points: 0,
        unpriced_policy: 'refuse',
        replay_window_s: null,
        created_at: null,
      },
    );
    assert.deepEqual(dataOf(await gateway.admin('GET', '/customers/acme')), body);
    const [row] = await gateway.database.sql<{ record_source: string; budget: string }[]>`
      select s.record_source, s.cost_budget_monthly::text as budget
      from gateway.customer_config_s_current s
      join gateway.customer_h h using (customer_hk)
      where h.customer_bk = 'acme'`;
    assert.deepEqual({ ...row }, { record_source: 'control', budget: '12500000000000' });
  });

  it('accepts every field, and amounts to the pico-dollar as numbers or text', async () => {
    const input = {
      slug: 'whole',
      name: 'Whole & Söhne',
      tenant: 'demo',
      cost_budget_monthly: 0.000000000001,
      cost_budget_daily: '999999999.999999999999',
      rate_limit_requests_per_minute: 2_147_483_647,
      priority_tier: 'PREMIUM',
      compliance_level: 'HIPAA',
      preferred_providers: ['anthropic', 'openai'],
      webhook_url: 'https://example.org/hook',
      markup_basis_points: 1_000_000,
      unpriced_policy: 'allow',
      replay_window_s: 600,
    };
    const made = await gateway.admin('POST', '/customers', input);
    assert.equal(made.status, 201, made.text);
    const { created_at: _at, status: _status, ...body } = dataOf<CustomerBody>(made);
    assert.deepEqual(body, { ...input, cost_budget_monthly: '0.000000000001' });
  });

  it('returns the existing customer for an equal request, and writes nothing', async () => {
    const input = { slug: 'twice', name: 'Twice' };
    const first = await gateway.admin('POST', '/customers', input);
    const again = await gateway.admin('POST', '/customers', input);
    assert.equal(first.status, 201);
    assert.equal(again.status, 200);
    assert.deepEqual(dataOf(again), dataOf(first));
    const [row] = await gateway.database.sql<{ rows: number }[]>`
      select count(*) as rows
      from gateway.customer_config_s s
      join gateway.customer_h h using (customer_hk)
      where h.customer_bk = 'twice'`;
    assert.equal(row!.rows, 1);
  });

  it('refuses other content, or another tenant, with 409', async () => {
    const { rows, load, sql } = gateway.control;
    const stamp = { load_date: '2026-01-01T00:00:00.000Z', applied_date: '2026-01-01T00:00:00.000Z' };
    await load(sql, [rows.hub('tenant_h', { tenant_bk: 'second' }, { ...stamp, record_source: 'test' })]);
    await gateway.admin('POST', '/customers', { slug: 'taken' });
    for (const other of [{ name: 'Other' }, { cost_budget_daily: 0 }, { tenant: 'second' }]) {
      const response = await gateway.admin('POST', '/customers', { slug: 'taken', ...other });
      assert.equal(response.status, 409, JSON.stringify(other));
      assert.deepEqual([errorOf(response).code, errorOf(response).reason], ['conflict', 'already_exists']);
      assert.equal(errorOf(response).param, 'slug');
    }
  });

  it('creates one customer for many concurrent requests', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => gateway.admin('POST', '/customers', { slug: 'race' })),
    );
    assert.deepEqual(responses.map(({ status }) => status).toSorted(), [...Array<number>(19).fill(200), 201]);
  });

  it('refuses an unknown tenant, and the ghost record as one', async () => {
    for (const tenant of ['nobody', 'unknown']) {
      const response = await gateway.admin('POST', '/customers', { slug: 'orphan', tenant });
      assert.equal(response.status, 422);
      assert.equal(errorOf(response).param, 'tenant');
    }
    assert.equal((await gateway.admin('GET', '/customers/orphan')).status, 404);
  });

  it('lists customers by slug in pages, without the ghost record', async () => {
    for (const slug of ['p-1', 'p-2', 'p-3']) await gateway.admin('POST', '/customers', { slug });
    const all = (await gateway.admin('GET', '/customers')).json as ListBody;
    const slugs = all.data.map(({ slug }) => slug);
    assert.deepEqual(slugs, slugs.toSorted());
    assert.ok(!slugs.includes('unknown'));
    assert.equal(all.links.next, null);
    const paged: string[] = [];
    let path: string | null = '/customers?limit=2';
    while (path !== null) {
      const page = (await gateway.admin('GET', path)).json as ListBody;
      assert.ok(page.data.length <= 2);
      paged.push(...page.data.map(({ slug }) => slug));
      path = page.links.next;
    }
    assert.deepEqual(paged, slugs);
  });

  it('refuses paging parameters that are out of range or malformed', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=', 'limit=1&limit=2', 'after=a&after=b']) {
      const response = await gateway.admin('GET', `/customers?${query}`);
      assert.equal(response.status, 400, query);
      assert.equal(errorOf(response).param, query.split('=')[0]);
    }
  });

  const HOSTILE: readonly (readonly [input: object, param: string | null])[] = [
    [{}, 'slug'],
    [{ slug: '' }, 'slug'],
    [{ slug: 'Acme' }, 'slug'],
    [{ slug: '-acme' }, 'slug'],
    [{ slug: 'unknown' }, 'slug'],
    [{ slug: "'; drop table gateway.customer_h; --" }, 'slug'],
    [{ slug: 'a\0' }, 'slug'],
    [{ slug: 'a'.repeat(64) }, 'slug'],
    [{ slug: 'a'.repeat(10_000) }, 'slug'],
    [{ slug: '__proto__' }, 'slug'],
    [{ slug: ['a'] }, 'slug'],
    [{ slug: 'ab', name: 'a\0b' }, 'name'],
    [{ slug: 'ab', name: '\ud800' }, 'name'],
    [{ slug: 'ab', name: 'x'.repeat(10_000) }, 'name'],
    [{ slug: 'ab', compliance_level: '\udfff' }, 'compliance_level'],
    [{ slug: 'ab', webhook_url: 'https://\ud800' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'javascript:alert(1)' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'https://example.org/a\nb' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'https://example.org/\u0085' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'http://169.254.169.254/latest' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'http://0xa9fea9fe/' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'http://[fe80::1]/' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'http://[::ffff:10.0.0.1]/' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'http://localhost/hook' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'https://user:pass@example.org/' }, 'webhook_url'],
    [{ slug: 'ab', webhook_url: 'https://' }, 'webhook_url'],
    [{ slug: 'ab', cost_budget_monthly: -1 }, 'cost_budget_monthly'],
    [{ slug: 'ab', cost_budget_monthly: 1e300 }, 'cost_budget_monthly'],
    [{ slug: 'ab', cost_budget_monthly: 1e-13 }, 'cost_budget_monthly'],
    [{ slug: 'ab', cost_budget_monthly: '1e9' }, 'cost_budget_monthly'],
    [{ slug: 'ab', cost_budget_monthly: '1'.repeat(10_000) }, 'cost_budget_monthly'],
    [{ slug: 'ab', rate_limit_requests_per_minute: 0 }, 'rate_limit_requests_per_minute'],
    [{ slug: 'ab', rate_limit_requests_per_minute: 2 ** 31 }, 'rate_limit_requests_per_minute'],
    [{ slug: 'ab', markup_basis_points: 1.5 }, 'markup_basis_points'],
    [{ slug: 'ab', priority_tier: 'premium' }, 'priority_tier'],
    [{ slug: 'ab', preferred_providers: ["o'penai"] }, 'preferred_providers[0]'],
    [{ slug: 'ab', constructor: 1 }, 'constructor'],
    [{ slug: 'ab', is_admin: true }, 'is_admin'],
  ];
  for (const [input, param] of HOSTILE) {
    it(`refuses ${JSON.stringify(input).slice(0, 80)} and names the field`, async () => {
      const response = await gateway.admin('POST', '/customers', input);
      assert.equal(response.status, 422, response.text);
      assert.equal(errorOf(response).code, 'validation_error');
      assert.equal(errorOf(response).param, param);
      assert.ok(response.text.length < 12_000, 'the answer does not repeat what was sent at length');
    });
  }

  it('refuses a body that is not JSON, and one over the limit', async () => {
    const headers = { authorization: `Bearer ${gateway.keys.admin_key}`, 'content-type': 'application/json' };
    for (const [body, status] of [
      ['', 400],
      ['{', 400],
      ['[]', 422],
      ['{"slug":"ab","__proto__":{"x":1}}', 422],
      [JSON.stringify({ slug: 'ab', name: 'x'.repeat(100_000) }), 413],
    ] as const) {
      const response = await gateway.send({ method: 'POST', path: '/customers', headers, body });
      assert.equal(response.status, status, body.slice(0, 50));
    }
  });

  it('returns 404 for an unknown customer, whatever its name', async () => {
    for (const slug of ['nobody', 'unknown', '%00', '%E0%A4%A', "'--", '__proto__', 'a'.repeat(10_000)]) {
      const response = await gateway.admin('GET', `/customers/${slug}`);
      assert.equal(response.status, 404, slug);
      assert.equal(errorOf(response).code, 'not_found');
    }
  });

  it('accepts any text as the last slug of a page, except NUL', async () => {
    for (const after of ['%27%20or%201=1', '%F0%9F%98%80', 'z'.repeat(4_000)]) {
      assert.equal((await gateway.admin('GET', `/customers?after=${after}`)).status, 200);
    }
    assert.equal((await gateway.admin('GET', '/customers?after=%00')).status, 400);
  });

  it('requires the key of an administrator', async () => {
    const { key } = await gateway.newCustomer({ slug: 'curious' });
    for (const [headers, status] of [
      [{}, 401],
      [{ authorization: 'Bearer sk_wrong' }, 401],
      [{ authorization: gateway.keys.admin_key }, 401],
      [{ authorization: `Bearer ${key}` }, 403],
    ] as const) {
      for (const [method, path] of [
        ['GET', '/customers'],
        ['POST', '/customers'],
        ['GET', '/customers/curious'],
        ['GET', '/api-keys'],
        ['POST', '/api-keys'],
        ['DELETE', '/api-keys/x'],
        ['GET', '/requests/x'],
      ] as const) {
        const response = await gateway.send({ method, path, headers });
        assert.equal(response.status, status, `${method} ${path}`);
      }
    }
  });
});
