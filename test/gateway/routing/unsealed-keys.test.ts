import assert from 'node:assert/strict';
import { startSnapshotWatcher } from '../../../src/catalog/snapshot-watcher.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { silentLog } from '../../../src/core/log.ts';
import { picoFromUsd } from '../../../src/core/money.ts';
import { createBudgetCounters } from '../../../src/gateway/limits/budgets.ts';
import { recordedInsert } from '../../../src/vault/recorded-insert.ts';
import { testRegistry } from '../../support/calls.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, errorOf, framesOf, type VaultCall } from '../../support/http.ts';
import { actAsOpenAi, giveKey, keysOfCalls, OWN_KEY, type ShownKey } from '../../support/provider-keys.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../../support/upstream.ts';

const PLATFORM_KEY = 'sk-upstream-1234567890';
const CHAT = { model: 'gpt-4o', max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] };

/** An attempt in the vault's form. */
interface Attempt {
  readonly provider: string;
  readonly error_code: string | null;
  readonly provider_key?: string | null;
  readonly provider_key_cost?: string | null;
  readonly customers_own?: string;
}

describe("calls with a customer's own provider key", () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  let customers = 0;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { openai: `${upstream.url}/v1` },
      guard: { allowed_hosts: [new URL(upstream.url).host] },
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(() => {
    actAsOpenAi(upstream, [OWN_KEY, PLATFORM_KEY]);
    upstream.received.length = 0;
  });

  const newCustomer = async (more: object = {}): Promise<{ readonly slug: string; readonly key: string }> => {
    customers += 1;
    const slug = `own-${customers}`;
    const { key } = await gateway.newCustomer({ slug, markup_basis_points: 2_000, ...more });
    return { slug, key };
  };
  const attemptsOf = ({ route }: VaultCall): readonly Attempt[] => route!.attempts as readonly Attempt[];
  const ok = (client_response: ClientResponse): ClientResponse => {
    assert.equal(client_response.status, 200, client_response.text);
    return client_response;
  };

  it("use it before the platform's key and cost only the markup; with the provider's bill, the sum equals a call with the platform's key", async () => {
    const [own, other] = [await newCustomer(), await newCustomer()];
    const { id } = await giveKey(gateway, own.slug);
    const paid = await gateway.recorded(ok(await gateway.chat(CHAT, own.key)).request_id);
    const listed = await gateway.recorded(ok(await gateway.chat(CHAT, other.key)).request_id);
    assert.deepEqual(keysOfCalls(upstream), [OWN_KEY, PLATFORM_KEY]);
    assert.deepEqual([paid.rating, listed.rating], ['RATED', 'RATED']);
    assert.ok(BigInt(listed.provider_cost!) > 0n && BigInt(listed.gateway_markup!) > 0n);
    // The provider's bill and the operator's are recorded to the exact pico-dollar.
    const [attempt] = attemptsOf(paid);
    assert.deepEqual([attempt?.provider_key, attempt?.provider_key_cost], [id, listed.provider_cost]);
    assert.deepEqual(
      [paid.provider_cost, paid.gateway_markup, paid.customer_cost],
      ['0', listed.gateway_markup, listed.gateway_markup],
    );
    assert.equal(BigInt(paid.customer_cost!) + BigInt(attempt!.provider_key_cost!), BigInt(listed.customer_cost!));
    const [platform_attempt] = attemptsOf(listed);
    assert.deepEqual([platform_attempt?.provider_key, platform_attempt?.provider_key_cost], [null, undefined]);
    const month = new Date().toISOString().slice(0, 7);
    assert.equal(gateway.budgets.total(`${own.slug}/${month}`), BigInt(paid.customer_cost!));
    assert.equal(gateway.budgets.total(`provider-key:${id}/${month}`), BigInt(listed.provider_cost!));
  });

  it('use it for streams too', async () => {
    const { slug, key } = await newCustomer();
    const { id } = await giveKey(gateway, slug);
    upstream.script((response) => {
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' };
      const delta = { index: 0, delta: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' };
      const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };
      const frames = [
        { ...chunk, choices: [delta] },
        { ...chunk, choices: [], usage },
      ];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        [...frames.map((frame) => JSON.stringify(frame)), '[DONE]'].map((data) => `data: ${data}\n\n`).join(''),
      );
    });
    const client_response = ok(await gateway.chat({ ...CHAT, stream: true }, key));
    assert.equal(framesOf(client_response.text).at(-1), '[DONE]');
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual(keysOfCalls(upstream), [OWN_KEY]);
    assert.equal(attemptsOf(call)[0]?.provider_key, id);
    assert.equal(call.provider_cost, '0');
    assert.ok(BigInt(attemptsOf(call)[0]!.provider_key_cost!) > 0n);
  });

  it("use the platform's key for other models and other providers", async () => {
    const { slug, key } = await newCustomer();
    await giveKey(gateway, slug, { allowed_models: ['gpt-4o-mini'] });
    ok(await gateway.chat(CHAT, key));
    ok(await gateway.chat({ ...CHAT, model: 'gpt-4o-mini' }, key));
    assert.deepEqual(keysOfCalls(upstream), [PLATFORM_KEY, OWN_KEY]);
    const client_response = ok(await gateway.chat({ ...CHAT, model: 'claude-sonnet-4-5' }, key));
    assert.equal(attemptsOf(await gateway.recorded(client_response.request_id))[0]?.provider_key, null);
  });

  it('use the newest key that allows the model', async () => {
    const { slug, key } = await newCustomer();
    const newer = 'sk-newer-customer-key-0002';
    actAsOpenAi(upstream, [OWN_KEY, newer]);
    await giveKey(gateway, slug);
    await giveKey(gateway, slug, { api_key: newer, allowed_models: ['gpt-4o-mini'] });
    ok(await gateway.chat(CHAT, key));
    ok(await gateway.chat({ ...CHAT, model: 'gpt-4o-mini' }, key));
    assert.deepEqual(keysOfCalls(upstream), [OWN_KEY, newer]);
  });

  it('stop using it at its revocation, and the old one at its rotation', async () => {
    const { slug, key } = await newCustomer();
    const shown = await giveKey(gateway, slug);
    const path = `/customers/${slug}/provider-keys/${shown.id}`;
    const newer = 'sk-rotated-customer-key-03';
    actAsOpenAi(upstream, [OWN_KEY, newer, PLATFORM_KEY]);
    ok(await gateway.chat(CHAT, key));
    ok(await gateway.admin('PUT', path, { api_key: newer }));
    ok(await gateway.chat(CHAT, key));
    ok(await gateway.admin('DELETE', path));
    ok(await gateway.chat(CHAT, key));
    assert.deepEqual(keysOfCalls(upstream), [OWN_KEY, newer, PLATFORM_KEY]);
  });

  it('stop in every process at the notification of a revocation, not at the next poll', async () => {
    const { slug } = await newCustomer();
    const { id } = await giveKey(gateway, slug);
    const { sql } = gateway.database;
    const revoked = Promise.withResolvers<void>();
    const watcher = await startSnapshotWatcher({
      sql,
      clock: systemClock,
      registry: testRegistry(),
      log: silentLog,
      poll_ms: 2 ** 31 - 1,
      changed: ({ provider_keys }) => {
        if (!provider_keys.has(slug)) revoked.resolve();
      },
    });
    try {
      assert.equal(watcher.current().provider_keys.get(slug)?.length, 1);
      await gateway.admin('DELETE', `/customers/${slug}/provider-keys/${id}`);
      await revoked.promise;
      assert.equal(watcher.current().provider_keys.has(slug), false);
    } finally {
      await watcher.close();
    }
  });

  it("are refused at its limits, however many are concurrent, unless the fallback is the platform's key", async () => {
    for (const fallback of ['none', 'platform']) {
      const { slug, key } = await newCustomer();
      const { id } = await giveKey(gateway, slug, { fallback, daily_spending_limit: '0.05' });
      const client_responses = await Promise.all(Array.from({ length: 40 }, () => gateway.chat(CHAT, key)));
      const refused = client_responses.filter(({ status }) => status === 402);
      assert.equal(refused.length > 0, fallback === 'none');
      for (const client_response of refused) {
        assert.equal(errorOf(client_response).code, 'budget_exceeded');
        assert.match(
          errorOf(client_response).details ?? '',
          new RegExp(`limit provider-key:${id}/.*own key has .* USD left`),
        );
      }
      const calls = await Promise.all(
        client_responses.filter(({ status }) => status === 200).map(({ request_id }) => gateway.recorded(request_id)),
      );
      assert.equal(calls.length, 40 - refused.length);
      const attempts = calls.flatMap(attemptsOf);
      const spent = attempts.reduce((sum, { provider_key_cost }) => sum + BigInt(provider_key_cost ?? 0), 0n);
      assert.ok(spent > 0n && spent <= picoFromUsd('0.05'), String(spent));
      const day = new Date().toISOString().slice(0, 10);
      assert.equal(gateway.budgets.total(`provider-key:${id}/${day}`), spent);
      const ours = attempts.filter(({ provider_key }) => provider_key === null);
      assert.equal(ours.length > 0, fallback === 'platform');
      const billed = calls.reduce((sum, { customer_cost }) => sum + BigInt(customer_cost!), 0n);
      assert.equal(gateway.budgets.total(`${slug}/${day}`), billed);
    }
  });

  it('count within its limits in a new process, from the vault or from the journal', async () => {
    const { slug, key } = await newCustomer();
    const { id } = await giveKey(gateway, slug, { monthly_spending_limit: 10 });
    await gateway.drain();
    const names = [slug, `provider-key:${id}`].map((scope) => `${scope}/${new Date().toISOString().slice(0, 7)}`);
    for (const where of ['journal', 'vault']) {
      if (where === 'journal') for (let count = 0; count < 3; count += 1) ok(await gateway.chat(CHAT, key));
      else await gateway.drain();
      const counters = createBudgetCounters();
      counters.restore(await gateway.spentBefore());
      const totals = names.map((name) => counters.total(name));
      assert.deepEqual(
        totals,
        names.map((name) => gateway.budgets.total(name)),
        where,
      );
      assert.ok(totals.every((total) => total > 0n));
    }
  });

  it("count the operator's bill in the customer's budget, without the provider's", async () => {
    const { slug, key } = await newCustomer({ cost_budget_daily: '0.002', markup_basis_points: 1_000 });
    // One call can cost more than 0.005 USD at the provider, and a tenth of it in markup.
    assert.equal((await gateway.chat(CHAT, key)).status, 402);
    await giveKey(gateway, slug);
    ok(await gateway.chat(CHAT, key));
  });

  it("report a key that the provider refuses, and use the platform's key only if the customer allows it", async () => {
    for (const status of [401, 402, 403]) {
      const [alone, helped] = [await newCustomer(), await newCustomer()];
      actAsOpenAi(upstream, [OWN_KEY]);
      await giveKey(gateway, alone.slug);
      const { id } = await giveKey(gateway, helped.slug, { fallback: 'platform' });
      upstream.script((response, { headers }) => {
        const is_own = headers.authorization?.includes(OWN_KEY) === true;
        const message = `Your key ${OWN_KEY} is no good.`;
        const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
        const choices = [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }];
        if (is_own) sendJson(response, JSON.stringify({ error: { message } }), status);
        else
          sendJson(
            response,
            JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices, usage }),
          );
      });
      const refused = await gateway.chat(CHAT, alone.key);
      assert.deepEqual([refused.status, errorOf(refused).code], [422, 'provider_key_refused'], refused.text);
      assert.ok(!refused.text.includes(OWN_KEY));
      const call = await gateway.recorded(refused.request_id);
      assert.equal(attemptsOf(call).length, 1);
      assert.ok(!JSON.stringify(call).includes(OWN_KEY.slice(3)));
      assert.deepEqual([call.provider_cost, call.customer_cost, call.rating], ['0', '0', 'NONE']);
      const served = await gateway.recorded(ok(await gateway.chat(CHAT, helped.key)).request_id);
      assert.deepEqual(
        attemptsOf(served).map(({ provider_key, error_code }) => [provider_key, error_code]),
        [
          [id, 'provider_key_refused'],
          [null, null],
        ],
      );
      assert.ok(BigInt(served.provider_cost!) > 0n);
      assert.equal(gateway.budgets.total(`provider-key:${id}/${new Date().toISOString().slice(0, 7)}`), 0n);
    }
  });

  it("reach custom models at the customer's base URL, at the prices of the base model", async () => {
    const [own, other] = [await newCustomer(), await newCustomer()];
    const model = 'acme-support';
    const { id } = await giveKey(gateway, own.slug, {
      base_url: `${upstream.url}/tuned/v1/`,
      allowed_models: [],
      custom_models: [{ model, provider_model: 'ft:gpt-4o-mini:acme::7', base_model: 'gpt-4o-mini' }],
    });
    upstream.received.length = 0;
    const client_response = ok(await gateway.chat({ ...CHAT, model }, own.key));
    assert.equal(upstream.received[0]?.url, '/tuned/v1/chat/completions');
    assert.equal((JSON.parse(upstream.received[0]!.body) as { model: string }).model, 'ft:gpt-4o-mini:acme::7');
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual([call.model_requested, call.model, call.provider], [model, 'gpt-4o-mini', 'openai']);
    const like = await gateway.recorded(
      ok(await gateway.chat({ ...CHAT, model: 'gpt-4o-mini' }, other.key)).request_id,
    );
    assert.deepEqual(
      [attemptsOf(call)[0]?.provider_key, attemptsOf(call)[0]?.provider_key_cost, call.customer_cost],
      [id, like.provider_cost, like.gateway_markup],
    );
    assert.equal(attemptsOf(call)[0]?.customers_own, 'endpoint');
    // Other models still go to the platform's provider.
    ok(await gateway.chat(CHAT, own.key));
    assert.equal(upstream.received.at(-1)?.url, '/v1/chat/completions');
    assert.equal(keysOfCalls(upstream).at(-1), PLATFORM_KEY);
    const listOf = async (key: string): Promise<string> =>
      (await gateway.send({ path: '/v1/models', headers: { authorization: `Bearer ${key}` } })).text;
    assert.ok((await listOf(own.key)).includes(`"${model}"`));
    assert.ok(!(await listOf(other.key)).includes(`"${model}"`));
    const one = { path: `/v1/models/${model}` };
    assert.equal((await gateway.send({ ...one, headers: { authorization: `Bearer ${own.key}` } })).status, 200);
    assert.equal((await gateway.send({ ...one, headers: { authorization: `Bearer ${other.key}` } })).status, 404);
    assert.equal((await gateway.chat({ ...CHAT, model }, other.key)).status, 404);
  });

  it("are recorded as calls of custom models, apart from calls of the provider's own models", async () => {
    const { slug, key } = await newCustomer();
    const custom_models = [
      { model: 'acme-tuned', provider_model: 'ft:gpt-4o-mini:acme::8', base_model: 'gpt-4o-mini' },
    ];
    await giveKey(gateway, slug, { custom_models });
    const ownOf = async (model: string) =>
      attemptsOf(await gateway.recorded(ok(await gateway.chat({ ...CHAT, model }, key)).request_id)).map(
        ({ customers_own }) => customers_own,
      );
    assert.deepEqual(await ownOf('acme-tuned'), ['model']);
    assert.deepEqual(await ownOf('gpt-4o-mini'), [undefined]);
  });

  it("reach the customer's own servers, which the operator does not know", async () => {
    const { slug, key } = await newCustomer();
    const custom_models = [{ model: 'acme-llama', provider_model: 'llama-3', base_model: 'gpt-4o-mini' }];
    const terms = { provider: 'custom', custom_models, api_key: OWN_KEY };
    const nowhere = await gateway.admin('POST', `/customers/${slug}/provider-keys`, terms);
    assert.deepEqual([nowhere.status, errorOf(nowhere).param], [422, 'base_url'], nowhere.text);
    const { id } = await giveKey(gateway, slug, { ...terms, base_url: `${upstream.url}/v1` });
    const call = await gateway.recorded(ok(await gateway.chat({ ...CHAT, model: 'acme-llama' }, key)).request_id);
    assert.deepEqual([call.provider, call.model, call.provider_cost], ['custom', 'gpt-4o-mini', '0']);
    assert.equal(attemptsOf(call)[0]?.provider_key, id);
    assert.ok(BigInt(attemptsOf(call)[0]!.provider_key_cost!) > 0n);
    assert.equal((await gateway.chat({ ...CHAT, model: 'llama-3' }, key)).status, 404);
  });

  it('reach Anthropic too, in its own protocol', async () => {
    const { slug, key } = await newCustomer();
    const wrong = { provider: 'anthropic', api_key: 'invalid' };
    assert.equal((await gateway.admin('POST', `/customers/${slug}/provider-keys`, wrong)).status, 422);
    const { id } = await giveKey(gateway, slug, { provider: 'anthropic' });
    const request = { ...CHAT, model: 'claude-haiku-4-5' };
    const call = await gateway.recorded(ok(await gateway.post('/v1/messages', request, key)).request_id);
    assert.deepEqual([attemptsOf(call)[0]?.provider_key, call.provider_cost], [id, '0']);
    ok(await gateway.post('/v1/messages/count_tokens', { ...request, max_tokens: undefined }, key));
  });

  /** Simulates an attack with database rights: puts another customer's sealed key into this customer's row. */
  const swap = async (mine: ShownKey, theirs: ShownKey): Promise<void> => {
    const insert = `
      insert into gateway.customer_provider_keys_s
      select
        h.customer_provider_key_hk, s.load_date + interval '1 second', s.applied_date + interval '1 second',
        s.hash_diff, s.api_key_encrypted, s.encryption_key_id, s.key_status, s.daily_spending_limit,
        s.monthly_spending_limit, s.allowed_models, s.last_validated, s.record_source
      from gateway.customer_provider_keys_s_current s
      join gateway.customer_provider_keys_h t on t.customer_provider_key_hk = s.customer_provider_key_hk
      cross join gateway.customer_provider_keys_h h
      where t.customer_provider_key_bk = $1
        and h.customer_provider_key_bk = $2`;
    const entity = testRegistry().satellite('customer_provider_keys_s');
    await gateway.database.sql.unsafe(recordedInsert(entity, insert), [theirs.id, mine.id]);
    await gateway.control.refreshSnapshot();
    upstream.received.length = 0;
  };

  it('are refused, and not sent with another key, while their own key cannot be decrypted', async () => {
    const [alone, helped, victim] = [await newCustomer(), await newCustomer(), await newCustomer()];
    const theirs = await giveKey(gateway, victim.slug);
    await swap(await giveKey(gateway, alone.slug), theirs);
    const client_response = await gateway.chat(CHAT, alone.key);
    assert.deepEqual(
      [client_response.status, errorOf(client_response).code],
      [503, 'provider_key_unavailable'],
      client_response.text,
    );
    assert.deepEqual(upstream.received, []);
    await swap(await giveKey(gateway, helped.slug, { fallback: 'platform' }), theirs);
    ok(await gateway.chat(CHAT, helped.key));
    assert.deepEqual(keysOfCalls(upstream), [PLATFORM_KEY]);
    ok(await gateway.chat(CHAT, victim.key));
  });
});
