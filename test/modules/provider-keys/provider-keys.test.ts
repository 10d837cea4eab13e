import assert from 'node:assert/strict';
import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, dataOf, errorOf } from '../../support/http.ts';
import { actAsOpenAi, giveKey, OWN_KEY, postKey, type ShownKey } from '../../support/provider-keys.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../../support/upstream.ts';

/** The port of the discard service, which no machine runs any more. */
const NOBODY = '127.0.0.1:9';

describe("customers' own provider keys", () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  let customers = 0;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { openai: `${upstream.url}/v1` },
      guard: { allowed_hosts: [new URL(upstream.url).host, NOBODY] },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(() => actAsOpenAi(upstream, [OWN_KEY, 'sk-second-customer-key-0001']));

  const newSlug = async (): Promise<string> => {
    customers += 1;
    await gateway.newCustomer({ slug: `keys-${customers}` });
    return `keys-${customers}`;
  };
  const pathOf = ({ customer, id }: ShownKey): string => `/customers/${customer}/provider-keys/${id}`;

  it('are stored once the provider accepts them, and shown without the key', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug, {
      allowed_models: ['gpt-4o', 'gpt-4o-mini'],
      daily_spending_limit: '2.50',
      monthly_spending_limit: 40,
    });
    const { id, last_validated, created_at: _created, ...shown } = key as ShownKey & { created_at: string };
    assert.deepEqual(shown, {
      customer: slug,
      provider: 'openai',
      key_hint: 'TAIL',
      status: 'ACTIVE',
      base_url: null,
      allowed_models: ['gpt-4o', 'gpt-4o-mini'],
      custom_models: [],
      daily_spending_limit: '2.5',
      monthly_spending_limit: '40',
      fallback: 'none',
    });
    assert.ok(Date.parse(last_validated) > 0);
    assert.equal(upstream.received.at(-1)?.url, '/v1/models');
    assert.equal(upstream.received.at(-1)?.headers.authorization, `Bearer ${OWN_KEY}`);
    assert.deepEqual(dataOf(await gateway.admin('GET', pathOf(key))), key);
    const list = await gateway.admin('GET', `/customers/${slug}/provider-keys`);
    assert.deepEqual(dataOf(list), [key]);
    assert.ok(id);
  });

  it('are stored sealed for their row, and appear nowhere in clear: neither in the database nor in logs and events', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug);
    const { id } = key;
    await gateway.admin('PUT', pathOf(key), { api_key: OWN_KEY, fallback: 'platform' });
    const { sql } = gateway.database;
    const [sealed] = await sql<{ api_key_encrypted: string; encryption_key_id: string }[]>`
      select s.api_key_encrypted, s.encryption_key_id
      from gateway.customer_provider_keys_s_current s
      join gateway.customer_provider_keys_h h using (customer_provider_key_hk)
      where h.customer_provider_key_bk = ${id}`;
    assert.ok(!Buffer.from(sealed!.api_key_encrypted, 'hex').includes(OWN_KEY.slice(3)));
    const context = {
      table: 'gateway.customer_provider_keys_s',
      tenant: slug,
      row: id,
      column: 'api_key_encrypted',
    };
    const bytes = Buffer.from(sealed!.api_key_encrypted, 'hex');
    assert.equal((await gateway.control.keyring.open(bytes, context)).toString(), OWN_KEY);
    await assert.rejects(gateway.control.keyring.open(bytes, { ...context, tenant: 'demo' }), /cannot be opened/);
    const named = await sql`select 1 from privacy.data_key where data_key_id = ${sealed!.encryption_key_id}`;
    assert.equal(named.length, 1, 'encryption_key_id names the key that it is sealed with');
    const shown_texts = await Promise.all([
      gateway.admin('GET', `/vault/customer_provider_keys_s/${id}`),
      gateway.admin('GET', `/vault/customer_provider_keys_s/${id}/history`),
      gateway.admin('GET', `/vault/customer_provider_key_terms_s/${id}`),
      gateway.admin('GET', `/v1/audit/events?customer=${slug}&limit=1000`),
      gateway.admin('GET', `/privacy/exports/${slug}?format=json`),
      gateway.admin('GET', pathOf(key)),
    ]);
    for (const { status, text } of shown_texts) {
      assert.equal(status, 200, text);
      assert.ok(!text.includes(OWN_KEY.slice(3, 20)), text);
      assert.ok(!text.includes(sealed!.api_key_encrypted), text);
    }
    assert.match(shown_texts[3].text, /provider_key\.create/);
    assert.match(shown_texts[3].text, /provider_key\.replace/);
    assert.match(shown_texts[4].text, /customer_provider|provider_keys/);
  });

  it("are refused with the provider's message if it does not accept them", async () => {
    const slug = await newSlug();
    const client_response = await postKey(gateway, slug, { api_key: 'sk-wrong-key-of-somebody-1234' });
    assert.deepEqual([client_response.status, errorOf(client_response).reason], [422, 'provider_key_refused']);
    assert.match(errorOf(client_response).details ?? '', /answered 401: Incorrect API key provided/);
    assert.ok(!client_response.text.includes('sk-wrong'), client_response.text);
    assert.deepEqual(dataOf(await gateway.admin('GET', `/customers/${slug}/provider-keys`)), []);
  });

  it('are refused while the provider fails, or if the address is not a provider', async () => {
    const slug = await newSlug();
    const cases: [(response: Parameters<Parameters<ScriptedUpstream['script']>[0]>[0]) => void, number, string][] = [
      [(response) => sendJson(response, '{"error":{"message":"down"}}', 503), 502, 'provider_error'],
      [(response) => sendJson(response, '{"error":{"message":"slow down"}}', 429), 429, 'provider_rate_limited'],
      [(response) => void response.destroy(), 502, 'provider_disconnected'],
      [(response) => void response.writeHead(302, { location: '/x' }).end(), 422, 'provider_key_refused'],
      [(response) => void response.end('<html>Welcome</html>'), 422, 'provider_key_refused'],
      [(response) => sendJson(response, '"yes"'), 422, 'provider_key_refused'],
      [(response) => sendJson(response, '{}', 403), 422, 'provider_key_refused'],
      [(response) => sendJson(response, 'not found', 404), 422, 'provider_key_refused'],
      [(response) => sendJson(response, 'x'.repeat(9 * 2 ** 20)), 502, 'provider_malformed'],
    ];
    for (const [answer, status, code] of cases) {
      upstream.script(answer);
      const client_response = await postKey(gateway, slug);
      const { code: shown, reason } = errorOf(client_response);
      assert.deepEqual([client_response.status, reason ?? shown], [status, code], client_response.text);
      assert.ok(!client_response.text.includes(OWN_KEY), client_response.text);
    }
    assert.equal(gateway.control.snapshot().provider_keys.has(slug), false);
  });

  it('are refused with a reason if the provider does not answer', async () => {
    const slug = await newSlug();
    const client_response = await postKey(gateway, slug, { base_url: `http://${NOBODY}/v1` });
    assert.deepEqual(
      [client_response.status, errorOf(client_response).code],
      [502, 'provider_unreachable'],
      client_response.text,
    );
    assert.match(errorOf(client_response).details ?? '', /accepted it, and what base_url names cannot be reached/);
  });

  it('are rotated in place by the administrator who gives the new key', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug, { daily_spending_limit: 1 });
    const other = 'sk-second-customer-key-0001';
    const rotated = await gateway.admin('PUT', pathOf(key), { api_key: other, monthly_spending_limit: 9 });
    assert.equal(rotated.status, 200, rotated.text);
    const shown = dataOf<ShownKey>(rotated);
    assert.deepEqual(
      [shown.id, shown.key_hint, shown.daily_spending_limit, shown.monthly_spending_limit],
      [key.id, '0001', null, '9'],
    );
    assert.equal(upstream.received.at(-1)?.headers.authorization, `Bearer ${other}`);
    // Without a key, the one that is there is asked about again, and stays.
    const kept = await gateway.admin('PUT', pathOf(key), { fallback: 'platform' });
    assert.equal(dataOf<ShownKey>(kept).key_hint, '0001');
    assert.equal(upstream.received.at(-1)?.headers.authorization, `Bearer ${other}`);
    actAsOpenAi(upstream, []);
    assert.equal((await gateway.admin('PUT', pathOf(key), { fallback: 'none' })).status, 422);
    const now = dataOf<ShownKey>(await gateway.admin('GET', pathOf(key)));
    assert.equal(now.fallback, 'platform', 'what was refused changed nothing');
  });

  it('are never sent to another address than their own', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug);
    const before = upstream.received.length;
    const client_response = await gateway.admin('PUT', pathOf(key), { base_url: `${upstream.url}/elsewhere` });
    assert.deepEqual([client_response.status, errorOf(client_response).param], [422, 'api_key']);
    assert.equal(upstream.received.length, before);
    const moved = { base_url: `${upstream.url}/elsewhere`, api_key: OWN_KEY };
    const done = await gateway.admin('PUT', pathOf(key), moved);
    assert.equal(dataOf<ShownKey>(done).base_url, `${upstream.url}/elsewhere`);
    assert.equal(upstream.received.at(-1)?.url, '/elsewhere/models');
  });

  it('stay revoked after their revocation', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug);
    for (const _ of [1, 2]) {
      const client_response = await gateway.admin('DELETE', pathOf(key));
      assert.deepEqual([client_response.status, dataOf<ShownKey>(client_response).status], [200, 'REVOKED']);
    }
    const again = await gateway.admin('PUT', pathOf(key), { api_key: OWN_KEY });
    assert.deepEqual([again.status, errorOf(again).reason], [409, 'wrong_state'], again.text);
    const [{ states }] = await gateway.database.sql<[{ states: number }]>`
      select count(*) as states
      from gateway.customer_provider_keys_s s
      join gateway.customer_provider_keys_h h using (customer_provider_key_hk)
      where h.customer_provider_key_bk = ${key.id}`;
    assert.equal(states, 2);
  });

  it('are writable by administrators, readable by auditors, and hidden from customers', async () => {
    const slug = await newSlug();
    const key = await giveKey(gateway, slug);
    const made = await gateway.admin('POST', '/api-keys', { name: 'audit', scopes: ['auditor'] });
    const auditor = bearer((made.json as { key: string }).key);
    const path = pathOf(key);
    assert.equal((await gateway.send({ path, headers: auditor })).status, 200);
    assert.equal((await gateway.send({ method: 'DELETE', path, headers: auditor })).status, 403);
    assert.equal((await gateway.send({ path, headers: bearer(gateway.keys.api_key) })).status, 403);
    assert.equal((await gateway.send({ path })).status, 401);
  });

  it('are found under their own customer only', async () => {
    const [slug, other] = [await newSlug(), await newSlug()];
    const key = await giveKey(gateway, slug);
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const body = method === 'PUT' ? {} : undefined;
      const foreign = await gateway.admin(method, `/customers/${other}/provider-keys/${key.id}`, body);
      assert.equal(foreign.status, 404, method);
      const nobody = await gateway.admin(method, `/customers/nobody-here/provider-keys/${key.id}`, body);
      assert.equal(nobody.status, 404, method);
      assert.equal((await gateway.admin(method, `/customers/${slug}/provider-keys/x`, body)).status, 404);
    }
    assert.equal(dataOf<ShownKey>(await gateway.admin('GET', pathOf(key))).status, 'ACTIVE');
  });

  it('are refused with the path of each fault in their fields', async () => {
    const slug = await newSlug();
    const own = { model: 'mine', provider_model: 'ft:1', base_model: 'gpt-4o-mini' };
    await giveKey(gateway, slug, { custom_models: [{ ...own, model: 'taken' }] });
    const asked = upstream.received.length;
    const faults: [object, string][] = [
      [{ provider: 'nobody' }, 'provider'],
      [{ provider: 7 }, 'provider'],
      [{ api_key: '' }, 'api_key'],
      [{ api_key: 'with a space' }, 'api_key'],
      [{ api_key: 'line\r\nx-header: 1' }, 'api_key'],
      [{ api_key: 'k'.repeat(2_001) }, 'api_key'],
      [{ api_key: 'schlüssel' }, 'api_key'],
      [{ allowed_models: ['claude-sonnet-4-5'] }, 'allowed_models[0]'],
      [{ allowed_models: ['gpt-4o', 'no-such-model'] }, 'allowed_models[1]'],
      [{ custom_models: [{ ...own, base_model: 'no-such-model' }] }, 'custom_models[0].base_model'],
      [{ custom_models: [own, own] }, 'custom_models[1].model'],
      [{ custom_models: [{ ...own, model: 'gpt-4o' }] }, 'custom_models[0].model'],
      [{ custom_models: [{ ...own, model: 'taken' }] }, 'custom_models[0].model'],
      [{ custom_models: [{ ...own, model: 'a\u0000b' }] }, 'custom_models[0].model'],
      [{ daily_spending_limit: -1 }, 'daily_spending_limit'],
      [{ monthly_spending_limit: '0.0000000000001' }, 'monthly_spending_limit'],
      [{ fallback: 'somebody' }, 'fallback'],
      [{ validate: false }, 'validate'],
      [{ base_url: 'http://169.254.169.254/latest' }, 'base_url'],
      [{ base_url: 'https://10.0.0.1/v1' }, 'base_url'],
      [{ base_url: 'https://user:pass@api.example.com' }, 'base_url'],
      [{ base_url: 'https://2130706433/' }, 'base_url'],
    ];
    for (const [fault, param] of faults) {
      const client_response = await postKey(gateway, slug, fault);
      assert.deepEqual([client_response.status, errorOf(client_response).param], [422, param], client_response.text);
      assert.ok(!client_response.text.includes(OWN_KEY), client_response.text);
    }
    const unknown = await gateway.admin('POST', '/customers/nobody-here/provider-keys', {});
    assert.equal(unknown.status, 404);
    assert.equal(upstream.received.length, asked, 'nobody was asked about any of them');
  });

  it('never cause an internal error, whatever is sent', async () => {
    const slug = await newSlug();
    const body = fc.record(
      {
        provider: fc.oneof(fc.constant('openai'), fc.jsonValue()),
        api_key: fc.oneof(fc.constant(OWN_KEY), fc.jsonValue()),
        base_url: fc.oneof(
          fc.constantFrom('https://a.invalid/v1', 'https://10.0.0.1', 'http://[::1]:80'),
          fc.jsonValue(),
        ),
        allowed_models: fc.jsonValue(),
        custom_models: fc.oneof(
          fc.array(fc.record({ model: fc.string(), provider_model: fc.string(), base_model: fc.constant('gpt-4o') })),
          fc.jsonValue(),
        ),
        daily_spending_limit: fc.jsonValue(),
        fallback: fc.oneof(fc.constant('platform'), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const client_response = await gateway.admin('POST', `/customers/${slug}/provider-keys`, sent);
        assert.ok(
          [201, 400, 422, 502].includes(client_response.status),
          `${JSON.stringify(sent)} ${client_response.text}`,
        );
      }),
      { numRuns: 150, timeout: 10_000 },
    );
  });

  it('are limited to fifty for each customer', async () => {
    const slug = await newSlug();
    for (let count = 0; count < 50; count += 1) await giveKey(gateway, slug);
    const client_response = await postKey(gateway, slug);
    assert.equal(client_response.status, 409);
    assert.match(errorOf(client_response).details ?? '', /at most 50 provider keys/);
  });
});
