import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { packagedBook } from '../../../src/cli/price-commands.ts';
import { planRefresh } from '../../../src/modules/prices/refresh-prices.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ClientResponse, dataOf, errorOf } from '../../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../../support/upstream.ts';

/** A deployment in a list. */
interface Listed {
  readonly provider: string;
  readonly model: string;
  readonly applied_from: string;
  readonly price_source: string;
  readonly is_offered: boolean;
}

const FREE = { input: 0, output: 0 };
const FLAT = { input_price: 0, output_price: 0 };

describe('the resource /v1/deployments', () => {
  let gateway: TestGateway;
  let server: ScriptedUpstream;

  before(async () => {
    server = await startScriptedUpstream();
    server.script((response) =>
      sendJson(
        response,
        JSON.stringify({
          id: 'c',
          object: 'chat.completion',
          created: 1,
          model: 'm',
          choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
        }),
      ),
    );
    const base_urls = { vllm: `${server.url}/v1`, openai: `${server.url}/v1`, 'azure-openai': server.url };
    gateway = await startTestGateway({ base_urls });
  });
  after(async () => {
    await gateway.close();
    await server.close();
  });

  const MODEL = {
    provider: 'vllm',
    model: 'acme/llama-4',
    served_as: 'Meta/Llama-4',
    family: 'llama-4',
    context_window_tokens: 8_192,
    max_output_tokens: 1_000,
    input_price: '0.5',
    output_price: 1.5,
  };
  const createDeployment = (fields: object): Promise<ClientResponse> => gateway.deploy({ ...fields });
  const call = (model: string) => gateway.chat({ model, messages: [{ role: 'user', content: 'x' }] });

  it("creates a model that can be called at once by its name, with the provider's name and its price", async () => {
    assert.equal((await call(MODEL.model)).status, 404);
    const made = await createDeployment(MODEL);
    assert.equal(made.status, 201, made.text);
    const { applied_from: _from, ...shown } = dataOf<Listed>(made);
    assert.deepEqual(shown, {
      provider: 'vllm',
      model: 'acme/llama-4',
      model_name: 'acme/llama-4',
      model_family: 'llama-4',
      capabilities: ['chat', 'streaming', 'tools'],
      context_window_tokens: 8_192,
      max_output_tokens: 1_000,
      quality_score: null,
      is_active: true,
      provider_model_name: 'Meta/Llama-4',
      price_source: 'administrator',
      is_offered: true,
      tiers: [{ service_tier: 'standard', above_prompt_tokens: 0, prices: { input: '0.5', output: '1.5' } }],
    });
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.keys.api_key });
    assert.equal((await client.models.retrieve(MODEL.model)).id, MODEL.model);
    const client_response = await call(MODEL.model);
    assert.equal(client_response.status, 200, client_response.text);
    assert.equal((JSON.parse(server.received.at(-1)!.body) as { model: string }).model, 'Meta/Llama-4');
    const recorded = await gateway.recorded(client_response.request_id);
    assert.deepEqual(
      [recorded.provider, recorded.model, recorded.provider_cost],
      ['vllm', MODEL.model, String(1_000n * 500_000n + 100n * 1_500_000n)],
    );
  });

  it('changes nothing for an equal request, and applies a new price from then on', async () => {
    const count = async () => {
      const [row] = await gateway.database.sql<[{ prices: number }]>`
        select count(*)::int as prices
        from gateway.model_price_s
        join gateway.model_provider_l using (model_provider_link_hk)
        join gateway.model_h using (model_hk)
        where model_bk = ${MODEL.model}`;
      return row.prices;
    };
    const before = await count();
    assert.equal((await createDeployment(MODEL)).status, 200);
    assert.equal(await count(), before);
    const changed = await createDeployment({ provider: 'vllm', model: MODEL.model, input_price: 0, output_price: '0' });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(await count(), before + 1);
    const { context_window_tokens, model_family } = dataOf<Record<string, unknown>>(changed);
    assert.deepEqual([context_window_tokens, model_family], [8_192, 'llama-4']);
    assert.equal((await gateway.recorded((await call(MODEL.model)).request_id)).provider_cost, '0');
  });

  it('applies the policy for unpriced calls to a model without a price', async () => {
    await createDeployment({ provider: 'vllm', model: 'free-for-all' });
    const refused = await call('free-for-all');
    assert.deepEqual([refused.status, errorOf(refused).code], [422, 'unpriced_model']);
  });

  it('withdraws a model', async () => {
    await createDeployment({ provider: 'vllm', model: 'short-lived', input_price: 1, output_price: 1 });
    assert.equal((await call('short-lived')).status, 200);
    const gone = {
      provider: 'vllm',
      model: 'short-lived',
      input_price: 1,
      output_price: 1,
      is_offered: false,
    };
    assert.equal((await createDeployment(gone)).status, 200);
    assert.equal((await call('short-lived')).status, 404);
  });

  it('names a deployment of a model that has others', async () => {
    const deployment = {
      provider: 'azure-openai',
      model: 'gpt-4o-mini',
      served_as: 'our-mini',
      input_price: '0.01',
      output_price: '0.02',
    };
    assert.equal((await createDeployment(deployment)).status, 200);
    const { key } = await gateway.newCustomer({ slug: 'on-azure', preferred_providers: ['azure-openai'] });
    const client_response = await gateway.chat(
      { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] },
      key,
    );
    assert.equal(client_response.status, 200, client_response.text);
    assert.match(server.received.at(-1)!.url, /^\/openai\/deployments\/our-mini\/chat\/completions\?/);
    assert.equal((await gateway.recorded(client_response.request_id)).provider, 'azure-openai');
  });

  it('writes an audit event with the earlier state', async () => {
    const [row] = await gateway.database.sql<[{ recorded: number }]>`
      select count(*)::int as recorded
      from audit.audit_event_s
      where action = 'model.offer'
        and subject = 'vllm/acme/llama-4'
        and outcome = 'succeeded'`;
    assert.equal(row.recorded, 3);
  });

  it('prices images one by one, and by service tier', async () => {
    const image_model = { ...FLAT, image_price: '0.04', capabilities: ['images'], provider: 'openai' };
    assert.equal((await createDeployment({ ...image_model, model: 'acme-painter' })).status, 201);
    const drawn = { created: 1, data: [{ b64_json: 'AAAA' }, { b64_json: 'AAAA' }] };
    const chat = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      service_tier: 'flex',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
    };
    server.script((response, { url }) => sendJson(response, JSON.stringify(url.includes('images') ? drawn : chat)));
    const painted = await gateway.post('/v1/images/generations', {
      model: 'acme-painter',
      prompt: 'A cat',
      n: 2,
    });
    assert.equal(painted.status, 200, painted.text);
    assert.equal((await gateway.recorded(painted.request_id)).provider_cost, '80000000000');
    const tiers = [
      { prices: { input: 2, output: 8, cached_input: '0.5' } },
      { above_prompt_tokens: 500, prices: { input: 4, output: 8 } },
      { service_tier: 'flex', prices: { input: 1, output: 4 } },
    ];
    const first = await createDeployment({ provider: 'openai', model: 'gpt-4.1-nano', tiers });
    assert.equal(first.status, 200, first.text);
    const again = await createDeployment({ provider: 'openai', model: 'gpt-4.1-nano', tiers: tiers.toReversed() });
    assert.deepEqual(dataOf(again), dataOf(first));
    const client_response = await gateway.chat({
      model: 'gpt-4.1-nano',
      service_tier: 'flex',
      messages: [{ role: 'user', content: 'x' }],
    });
    assert.equal(client_response.status, 200, client_response.text);
    assert.equal((await gateway.recorded(client_response.request_id)).provider_cost, '1400000000');
  });

  it('lists deployments with the prices in force, by provider and by source', async () => {
    const list = async (query: string) =>
      ((await gateway.admin('GET', `/v1/deployments${query}`)).json as { data: Listed[] }).data;
    const set = await list(
      '?price_source=administrator&provider=openai&fields=provider,model,provider_model_name,price_source,is_offered,tiers',
    );
    assert.deepEqual(set.slice(1), [
      {
        provider: 'openai',
        model: 'gpt-4.1-nano',
        provider_model_name: 'gpt-4.1-nano',
        price_source: 'administrator',
        is_offered: true,
        tiers: [
          ['standard', 0, { input: '2', output: '8', cached_input: '0.5' }],
          ['standard', 500, { input: '4', output: '8' }],
          ['flex', 0, { input: '1', output: '4' }],
        ].map(([service_tier, above_prompt_tokens, prices]) => ({
          service_tier,
          above_prompt_tokens,
          prices,
        })),
      },
    ]);
    const all: Listed[] = [];
    for (let page = 1; page <= 20; page += 1) all.push(...(await list(`?per_page=200&page=${page}`)));
    assert.ok(all.length > 50);
    assert.ok(all.every(({ provider, model }) => provider !== 'unknown' && model !== 'unknown'));
    assert.ok(!all.some(({ model }) => model === 'short-lived'), 'what was withdrawn is not listed');
    const gone = await list('?is_offered=false');
    assert.ok(gone.some(({ model, is_offered }) => model === 'short-lived' && !is_offered));
    assert.deepEqual(await list('?provider=nobody'), []);
    assert.equal((await gateway.get('/v1/deployments')).status, 401);
  });

  it('is not changed by a refresh of prices', async () => {
    const plan = await gateway.database.sql.begin('read only', (tx) =>
      planRefresh(tx, packagedBook(), gateway.control.clock.now()),
    );
    const kept = plan.filter((each) => each.kept?.endsWith('administrator') === true);
    assert.ok(kept.some(({ model, provider }) => model === 'gpt-4.1-nano' && provider === 'openai'));
    assert.ok(kept.every(({ changes }) => changes.length === 0));
  });

  it('refuses invalid input and names the field', async () => {
    for (const [fields, param] of [
      [{}, 'provider'],
      [{ provider: 'nobody', model: 'm' }, 'provider'],
      [{ provider: 'unknown', model: 'm' }, 'provider'],
      [{ provider: 'vllm' }, 'model'],
      [{ provider: 'vllm', model: 'Capital' }, 'model'],
      [{ provider: 'vllm', model: 'm'.repeat(129) }, 'model'],
      [{ provider: 'vllm', model: 'unknown' }, 'model'],
      [{ provider: 'vllm', model: 'm', served_as: 'two words' }, 'served_as'],
      [{ provider: 'vllm', model: 'm', capabilities: ['flying'] }, 'capabilities[0]'],
      [{ provider: 'vllm', model: 'm', input_price: 1 }, 'output_price'],
      [{ provider: 'vllm', model: 'm', output_price: 1 }, 'input_price'],
      [{ provider: 'vllm', model: 'm', input_price: -1, output_price: 1 }, 'input_price'],
      [{ provider: 'vllm', model: 'm', input_price: '1e3', output_price: 1 }, 'input_price'],
      [{ provider: 'vllm', model: 'm', input_price: '0.0000001', output_price: 1 }, 'input_price'],
      [{ provider: 'vllm', model: 'm', max_output_tokens: 0 }, 'max_output_tokens'],
      [{ provider: 'vllm', model: 'm', image_price: 1 }, 'input_price'],
      [{ provider: 'vllm', model: 'm', tiers: [] }, 'tiers'],
      [{ provider: 'vllm', model: 'm', tiers: [{ prices: { input: 1 } }] }, 'tiers[0].prices.output'],
      [{ provider: 'vllm', model: 'm', tiers: [{ service_tier: 'flex', prices: FREE }] }, 'tiers'],
      [{ provider: 'vllm', model: 'm', tiers: [{ prices: FREE }, { prices: FREE }] }, 'tiers[1]'],
      [{ provider: 'vllm', model: 'm', tiers: [{ prices: FREE }], image_price: 1 }, 'image_price'],
      [{ provider: 'vllm', model: 'm', ...FLAT, web_search_price: '0.0000000001' }, 'web_search_price'],
    ] as const) {
      const client_response = await createDeployment(fields);
      assert.equal(client_response.status, 422, JSON.stringify(fields));
      assert.equal(errorOf(client_response).param, param, client_response.text);
    }
    const by_customer = await gateway.post('/v1/deployments', MODEL);
    assert.equal(by_customer.status, 403);
  });
});
