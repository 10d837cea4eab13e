import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, dataOf, errorOf } from '../../support/http.ts';

interface Statement {
  readonly provider: string;
  readonly model: string;
  readonly applied_from: string;
  readonly is_agreed: boolean;
  readonly agreement: string | null;
  readonly agreed_version: string;
  readonly tiers: readonly object[];
}

const PATH = '/customers/acme/prices/openai/gpt-4.1-nano';
const tier = (input: number | string, output: number | string, more: object = {}) => ({
  prices: { input, output },
  ...more,
});

describe("customers' own prices", () => {
  let gateway: TestGateway;
  let key: string;

  before(async () => {
    gateway = await startTestGateway();
    ({ key } = await gateway.newCustomer({ slug: 'acme', markup_basis_points: 2_000 }));
  });
  after(() => gateway.close());

  const data = (response: ClientResponse): Statement[] => {
    assert.equal(response.status, 200, response.text);
    return dataOf<Statement[]>(response);
  };
  /** All that was ever stated, after one more statement. */
  const state = async (method: string, path: string, body?: object): Promise<Statement[]> => {
    const response = await gateway.admin(method, path, body);
    assert.ok([200, 201].includes(response.status), response.text);
    return data(await gateway.admin('GET', `${path}/history`));
  };
  const call = async () => {
    const response = await gateway.chat({ model: 'gpt-4.1-nano', messages: [{ role: 'user', content: 'Hi' }] }, key);
    assert.equal(response.status, 200, response.text);
    return gateway.recorded(response.request_id);
  };

  it("are charged instead of the provider's prices with markup, and the call records their version", async () => {
    const [agreed] = await state('PUT', PATH, { tiers: [tier('0.05', 1.25)], agreement: 'C-17' });
    assert.equal(agreed?.is_agreed, true);
    assert.equal(agreed.agreement, 'C-17');
    assert.deepEqual(agreed.tiers, [
      { service_tier: 'standard', above_prompt_tokens: 0, prices: { input: '0.05', output: '1.25' } },
    ]);
    const { prompt_tokens, completion_tokens, provider_cost, customer_cost, gateway_markup, route } = await call();
    assert.equal(BigInt(provider_cost!), BigInt(prompt_tokens!) * 100_000n + BigInt(completion_tokens!) * 400_000n);
    assert.equal(BigInt(customer_cost!), BigInt(prompt_tokens!) * 50_000n + BigInt(completion_tokens!) * 1_250_000n);
    assert.equal(BigInt(gateway_markup!), BigInt(customer_cost!) - BigInt(provider_cost!));
    assert.equal(route?.attempts.at(-1)?.rating?.agreed_version, agreed.agreed_version);
  });

  it("may be lower than the provider's prices: the markup is negative, and the call is recorded", async () => {
    await state('PUT', PATH, { tiers: [tier(0, '0.000001')] });
    const { completion_tokens, customer_cost, gateway_markup } = await call();
    assert.equal(customer_cost, String(completion_tokens));
    assert.ok(BigInt(gateway_markup!) < 0n);
    assert.match((await gateway.get('/metrics')).text, /^onevault_calls_in_flight 0$/m);
  });

  it('are written once: an equal request writes nothing', async () => {
    const body = { tiers: [tier(1, 2), tier(2, 4, { above_prompt_tokens: 1_000 })] };
    const once = await state('PUT', PATH, body);
    assert.deepEqual(await state('PUT', PATH, body), once);
    const shuffled = { tiers: body.tiers.toReversed() };
    assert.deepEqual(await state('PUT', PATH, shuffled), once);
  });

  it('begin at their date, and end', async () => {
    const applied_from = '2031-01-01T00:00:00Z';
    const before = await call();
    const agreed = await state('PUT', PATH, { tiers: [tier(7, 7)], applied_from });
    assert.equal(agreed.at(-1)?.applied_from, '2031-01-01T00:00:00.000Z');
    const after = await call();
    assert.equal(after.customer_cost, before.customer_cost, 'it has not begun');
    await sleep(2);
    const ended = await state('DELETE', PATH);
    assert.deepEqual(
      ended.filter(({ is_agreed }) => !is_agreed).map(({ tiers }) => tiers),
      [[]],
    );
    const { provider_cost, gateway_markup } = await call();
    assert.equal(BigInt(gateway_markup!) * 5n, BigInt(provider_cost!), 'the markup of 20 % holds again');
    assert.deepEqual(data(await gateway.admin('GET', '/customers/acme/prices')), [], 'what has ended is not listed');
    const then = data(await gateway.admin('GET', `/customers/acme/prices?applied=${applied_from}`));
    assert.equal(then.at(-1)?.applied_from, '2031-01-01T00:00:00.000Z');
  });

  it('apply to the reservation too: a budget that covers only them admits a call', async () => {
    const { key: tight } = await gateway.newCustomer({ slug: 'tight', cost_budget_daily: '0.001' });
    const request = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1_000 };
    assert.equal((await gateway.chat(request, tight)).status, 402);
    const path = '/customers/tight/prices/openai/gpt-4.1';
    await state('PUT', path, { tiers: [tier('0.01', '0.01')] });
    assert.equal((await gateway.chat(request, tight)).status, 200);
  });

  it('apply to models with slashes in their names too', async () => {
    const body = { tiers: [tier(1, 2)] };
    const path = '/customers/acme/prices/groq/openai%2Fgpt-oss-120b';
    assert.equal((await state('PUT', path, body))[0]?.model, 'openai/gpt-oss-120b');
    assert.equal((await gateway.admin('PUT', '/customers/acme/prices/groq/%ZZ', body)).status, 404);
    assert.equal((await gateway.admin('PUT', '/customers/acme/prices/groq/%00', body)).status, 404);
  });

  it('are refused with the name of the field if they are invalid', async () => {
    const refused = async (body: unknown, param: string | null, path = PATH, status = 422) => {
      const response = await gateway.admin('PUT', path, body);
      assert.equal(response.status, status, response.text);
      assert.equal(errorOf(response).param, param, response.text);
    };
    await refused({}, 'tiers');
    await refused({ tiers: [] }, 'tiers');
    await refused({ tiers: [{ prices: { input: 1 } }] }, 'tiers[0].prices.output');
    await refused({ tiers: [tier(-1, 1)] }, 'tiers[0].prices.input');
    await refused({ tiers: [tier('1e3', 1)] }, 'tiers[0].prices.input');
    await refused({ tiers: [tier('0.0000001', 1)] }, 'tiers[0].prices.input');
    await refused({ tiers: [tier(1, 1), tier(2, 2)] }, 'tiers[1]');
    await refused({ tiers: [tier(1, 1, { above_prompt_tokens: 5 })] }, 'tiers');
    await refused({ tiers: [tier(1, 1), tier(2, 2, { service_tier: 'batch', above_prompt_tokens: 5 })] }, 'tiers');
    await refused({ tiers: [tier(1, 1, { service_tier: 'gratis' })] }, 'tiers[0].service_tier');
    await refused({ tiers: [tier(1, 1)], applied_from: '2020-01-01T00:00:00Z' }, 'applied_from');
    await refused({ tiers: [tier(1, 1)], applied_from: 'tomorrow' }, 'applied_from');
    await refused({ tiers: [tier(1, 1)], agreement: 'x\0' }, 'agreement');
    await refused({ tiers: [tier(1, 1)], agreement: 'of jo@example.com' }, 'agreement');
    await refused({ tiers: [tier(1, 1)] }, null, '/customers/nobody/prices/openai/gpt-4.1', 404);
    await refused({ tiers: [tier(1, 1)] }, null, '/customers/acme/prices/anthropic/gpt-4.1', 404);
    assert.equal((await gateway.admin('DELETE', '/customers/acme/prices/openai/gpt-5')).status, 404);
    assert.equal((await gateway.admin('DELETE', `${PATH}?applied_from=x`)).status, 400);
  });

  it('are recorded in the audit log, and only administrators may write them', async () => {
    const events = await gateway.database.sql<{ action: string; subject: string }[]>`
      select action, subject
      from audit.audit_event_s
      where action like 'customer_price.%'
        and outcome = 'succeeded'
        and after is not null`;
    assert.ok(events.some(({ action, subject }) => action === 'customer_price.write' && subject === 'acme'));
    assert.ok(events.some(({ action }) => action === 'customer_price.end'));
    const response = await gateway.send({
      method: 'PUT',
      path: PATH,
      body: JSON.stringify({ tiers: [tier(0, 0)] }),
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(response.status, 403);
  });
});
