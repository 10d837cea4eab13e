import assert from 'node:assert/strict';
import fc from 'fast-check';
import { priceRows, tierContent } from '../../src/modules/prices/price-rows.ts';
import type { Sql } from '../../src/postgres/connect.ts';
import { PRICE_UNITS } from '../../src/pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../../src/pricing/prices.ts';
import { save } from '../../src/resources/writing/save.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { actAsOpenAi, giveKey, OWN_KEY } from '../support/provider-keys.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

interface Recomputed {
  readonly request_id: string;
  readonly is_whole: boolean;
  readonly provider_cost: string;
  readonly provider_cost_again: string;
  readonly customer_cost: string;
  readonly customer_cost_again: string;
  readonly gateway_markup: string;
}

/**
 * Costs of every rated call, recomputed from the vault alone: from its units and the rows of the prices that it names,
 * as they were when it was recorded. A unit without a price is charged as the first one with a price in `stand_in`.
 */
const recompute = (sql: Sql) => sql<Recomputed[]>`
  with stand_in (unit, place, priced_as) as (
    values
      ('cached_input', 1, 'input'), ('cache_write', 1, 'input'), ('long_cache_write', 1, 'cache_write'),
      ('long_cache_write', 2, 'input'), ('reasoning', 1, 'output'), ('audio_input', 1, 'input'),
      ('cached_audio_input', 1, 'audio_input'), ('cached_audio_input', 2, 'cached_input'),
      ('cached_audio_input', 3, 'input'), ('audio_output', 1, 'output'), ('image_input', 1, 'input'),
      ('cached_image_input', 1, 'image_input'), ('cached_image_input', 2, 'cached_input'),
      ('cached_image_input', 3, 'input'), ('image_output', 1, 'output')
  ), rated as (
    select
      s.api_request_hk,
      h.api_request_bk as request_id,
      s.load_date,
      s.prompt_tokens,
      s.completion_tokens,
      s.provider_cost,
      s.gateway_markup,
      s.customer_cost,
      s.price_version,
      util.hash_link('model_provider_l', l.model_hk, l.provider_hk) as deployment_hk,
      util.hash_link('customer_price_l', l.customer_hk, l.model_hk, l.provider_hk) as agreed_hk,
      o.attempts -> -1 -> 'rating' as facts,
      -- The provider billed the customer, for its own key: it owes us the markup alone.
      (o.attempts -> -1 ->> 'provider_key_cost')::numeric as provider_key_cost
    from gateway.api_request_s s
    join gateway.api_request_h h using (api_request_hk, load_date)
    join gateway.api_request_l l using (api_request_hk, load_date)
    join gateway.api_request_route_s o using (api_request_hk, load_date)
    where s.rating = 'RATED'
  ), priced as (
    select *,
      (facts ->> 'markup_basis_points')::numeric as markup,
      case
        when facts ->> 'tier_version' is null then (
          select to_jsonb(p)
          from gateway.model_price_s p
          where p.model_provider_link_hk = deployment_hk
            and p.hash_diff = price_version
            and p.load_date <= rated.load_date
          limit 1)
        else (
          select to_jsonb(t)
          from gateway.model_price_tier_s t
          join gateway.model_price_s p using (model_provider_link_hk, applied_date, load_date)
          where t.model_provider_link_hk = deployment_hk
            and t.hash_diff = decode(facts ->> 'tier_version', 'hex')
            and t.tier = (facts ->> 'tier')::integer
            and p.hash_diff = price_version
            and t.load_date <= rated.load_date
          limit 1)
      end as listed,
      (
        select to_jsonb(a)
        from gateway.customer_price_s a
        where a.customer_price_link_hk = agreed_hk
          and a.hash_diff = decode(facts ->> 'agreed_version', 'hex')
          and a.tier = (facts ->> 'agreed_tier')::integer
          and a.load_date <= rated.load_date
        limit 1) as agreed
    from rated
  ), charged as (
    select
      request_id,
      unit,
      count::numeric as count,
      markup,
      agreed is not null as is_agreed,
      price.by_list,
      price.by_agreement
    from priced
    cross join lateral jsonb_each_text(facts -> 'units') as units (unit, count)
    cross join lateral (
      select
        max(value) filter (where list = 'listed') as by_list,
        max(value) filter (where list = 'agreed') as by_agreement
      from (
        select distinct on (list) list, (prices ->> (priced_as || '_price'))::numeric as value
        from (values ('listed', listed), ('agreed', agreed)) as lists (list, prices)
        cross join (
          select 0 as place, units.unit as priced_as
          union all
          select place, priced_as
          from stand_in
          where stand_in.unit = units.unit) as tried
        where prices ->> (priced_as || '_price') is not null
        order by list, place) as found) as price
  ), marked as (
    select *,
      div(by_list * (10000 + markup), 10000) as whole,
      mod(by_list * (10000 + markup), 10000) as rest
    from charged
  ), cost as (
    select
      request_id,
      sum(count * coalesce(by_list, 0)) as provider_cost,
      sum(count * case
        -- Tools that were not agreed on cost as listed.
        when is_agreed and not (by_agreement is null and unit ~ '_(search|session)$')
          then coalesce(by_agreement, 0)
        -- Half to even.
        else coalesce(whole + (rest > 5000 or (rest = 5000 and mod(whole, 2) = 1))::integer, 0)
      end) as customer_cost,
      coalesce(sum(count) filter (where unit ~ 'input|cache_write'), 0) as prompt_tokens,
      coalesce(sum(count) filter (where unit ~ 'output|reasoning'), 0) as completion_tokens
    from marked
    group by request_id
  )
  select
    request_id,
    priced.listed is not null
      and (priced.agreed is not null) = (priced.facts ->> 'agreed_version' is not null)
      and cost.prompt_tokens = priced.prompt_tokens
      and cost.completion_tokens = priced.completion_tokens as is_whole,
    (priced.provider_cost + coalesce(provider_key_cost, 0))::text as provider_cost,
    cost.provider_cost::text as provider_cost_again,
    (priced.customer_cost + coalesce(provider_key_cost, 0))::text as customer_cost,
    cost.customer_cost::text as customer_cost_again,
    priced.gateway_markup::text as gateway_markup
  from priced
  join cost using (request_id)`;

const pico = fc.bigInt({ min: 0n, max: 10n ** 8n });
const prices: fc.Arbitrary<UnitPrices> = fc
  .tuple(fc.array(fc.option(pico), { minLength: PRICE_UNITS.length, maxLength: PRICE_UNITS.length }), pico, pico)
  .map(([all, input_price, output_price]) => ({
    ...(Object.fromEntries(
      PRICE_UNITS.map((unit, place) => [`${unit}_price`, all[place] ?? null]),
    ) as unknown as UnitPrices),
    input_price,
    output_price,
  }));
const tiers: fc.Arbitrary<readonly PriceTier[]> = fc
  .tuple(prices, fc.uniqueArray(fc.integer({ min: 1, max: 3_000 }), { maxLength: 2 }), prices)
  .map(([base, longer, above]) =>
    [0, ...longer.sort((a, b) => a - b)].map((above_prompt_tokens, tier) => ({
      tier,
      service_tier: 'standard' as const,
      above_prompt_tokens,
      daily_from_s: null,
      daily_until_s: null,
      prices: tier === 0 ? base : above,
    })),
  );

const part = fc.nat(1_000);
/** Usage in OpenAI's form. */
const usage = fc
  .record({ fresh: part, cached: part, written: part, audio: part, text: part, reasoned: part, audio_output: part })
  .map(({ fresh, cached, written, audio, text, reasoned, audio_output }) => {
    const prompt_tokens = fresh + cached + written + audio;
    const completion_tokens = text + reasoned + audio_output;
    return {
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written, audio_tokens: audio },
      completion_tokens_details: { reasoning_tokens: reasoned, audio_tokens: audio_output },
    };
  });

/** A response with tokens, web searches, file searches and code containers. */
const toolStep = fc.record({
  input_tokens: part,
  output_tokens: part,
  searches: fc.nat(4),
  files: fc.nat(4),
  machines: fc.nat(3),
});
type ToolStep = typeof toolStep extends fc.Arbitrary<infer T> ? T : never;

const MODELS = ['gpt-4.1', 'gpt-4.1-mini'] as const;
const CUSTOMERS = { plain: 0, odd: 777, dear: 1_500, agreed: 250, 'own-key': 1_000 } as const;
const model = fc.constantFrom(...MODELS);
const customer = fc.constantFrom(...(Object.keys(CUSTOMERS) as (keyof typeof CUSTOMERS)[]));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant('call' as const),
      model,
      usage,
      customer,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('respond' as const), model, customer, used: toolStep }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('price' as const), model, tiers }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('agree' as const), model, tiers }) },
);

describe('the costs of calls', function () {
  this.timeout(300_000);
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  const keys = new Map<string, string>();

  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { openai: `${upstream.url}/v1` },
      guard: { allowed_hosts: [new URL(upstream.url).host] },
    });
    for (const [slug, markup_basis_points] of Object.entries(CUSTOMERS))
      keys.set(slug, (await gateway.newCustomer({ slug, markup_basis_points, unpriced_policy: 'allow' })).key);
    actAsOpenAi(upstream, [OWN_KEY]);
    await giveKey(gateway, 'own-key');
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const hubsOf = (model_bk: string) => {
    const { rows } = gateway.control;
    return {
      customer_hk: rows.hubKey('customer_h', { customer_bk: 'agreed' }),
      model_hk: rows.hubKey('model_h', { model_bk }),
      provider_hk: rows.hubKey('ai_provider_h', { provider_bk: 'openai' }),
    };
  };
  const savePrice = (name: string, tiers: readonly PriceTier[]): Promise<void> =>
    save(gateway.control, (stamp) => {
      const { model_hk, provider_hk } = hubsOf(name);
      const deployment_hk = gateway.control.rows.linkKey('model_provider_l', { model_hk, provider_hk });
      const terms = { provider_model_name: name, price_source: 'test', is_offered: true };
      return { rows: priceRows(gateway.control.rows, deployment_hk, { terms, tiers }, stamp), events: [] };
    });
  const saveAgreement = (name: string, tiers: readonly PriceTier[]): Promise<void> =>
    save(gateway.control, (stamp) => {
      const { rows } = gateway.control;
      const hubs = hubsOf(name);
      const contents = tiers.map((tier) => ({ ...tierContent(tier), is_agreed: true, agreement: null }));
      return {
        rows: [
          rows.link('customer_price_l', hubs, stamp),
          ...rows.satelliteSet('customer_price_s', rows.linkKey('customer_price_l', hubs), contents, stamp),
        ],
        events: [],
      };
    });
  /** Makes a call whose response contains uses of OpenAI's hosted tools. */
  const respond = async (
    name: string,
    customer: string,
    { input_tokens, output_tokens, searches, files, machines }: ToolStep,
  ): Promise<void> => {
    const output = [
      ...Array.from({ length: searches }, () => ({ type: 'web_search_call', action: { type: 'search' } })),
      ...Array.from({ length: files }, () => ({ type: 'file_search_call' })),
      // Code may run in one container more than once.
      ...Array.from({ length: 2 * machines }, (_, place) => ({
        type: 'code_interpreter_call',
        container_id: `cntr_${place % machines}`,
      })),
    ];
    upstream.script((response) =>
      sendJson(
        response,
        JSON.stringify({
          id: 'resp_1',
          object: 'response',
          status: 'completed',
          model: name,
          output,
          usage: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens },
        }),
      ),
    );
    const tools = [{ type: 'web_search' }, { type: 'file_search' }, { type: 'code_interpreter' }];
    const request = { model: name, input: 'Hi', max_output_tokens: 2_000, tools };
    const client_response = await gateway.post('/v1/responses', request, keys.get(customer));
    assert.equal(client_response.status, 200, client_response.text);
  };
  const call = async (name: string, customer: string, used: object): Promise<void> => {
    upstream.script((response) =>
      sendJson(
        response,
        JSON.stringify({
          id: 'x',
          object: 'chat.completion',
          created: 1,
          model: name,
          usage: used,
          choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
        }),
      ),
    );
    const request = { model: name, messages: [{ role: 'user', content: 'Hi' }] };
    const client_response = await gateway.chat(request, keys.get(customer));
    assert.equal(client_response.status, 200, client_response.text);
  };

  it('equal the product of their units and prices, recomputed from the vault alone', async () => {
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        for (const each of steps) {
          if (each.does === 'price') await savePrice(each.model, each.tiers);
          else if (each.does === 'agree') await saveAgreement(each.model, each.tiers);
          else {
            if (each.does === 'call') await call(each.model, each.customer, each.usage);
            else await respond(each.model, each.customer, each.used);
            calls += 1;
          }
        }
      }),
      { numRuns: 12 },
    );
    await gateway.drain();
    const found = await recompute(gateway.database.sql);
    assert.equal(found.length, calls, 'every call was rated');
    for (const row of found) {
      assert.ok(row.is_whole, row.request_id);
      assert.equal(row.provider_cost_again, row.provider_cost, row.request_id);
      assert.equal(row.customer_cost_again, row.customer_cost, row.request_id);
      assert.equal(BigInt(row.gateway_markup), BigInt(row.customer_cost) - BigInt(row.provider_cost));
    }
    const kinds = await gateway.database.sql<Record<string, number>[]>`
      select
        count(*) filter (where attempts -> -1 -> 'rating' -> 'tier' <> '0') as tiered,
        count(*) filter (where attempts -> -1 -> 'rating' ->> 'agreed_version' is not null) as agreed,
        count(*) filter (where attempts -> -1 -> 'rating' -> 'units' ? 'audio_input') as audio,
        count(*) filter (where attempts -> -1 -> 'rating' -> 'units' ? 'web_search') as tools,
        count(*) filter (where attempts -> -1 -> 'rating' -> 'unpriced' ? 'code_session') as unpriced_tools,
        count(*) filter (where attempts -> -1 ->> 'provider_key_cost' is not null) as own_key
      from gateway.api_request_route_s`;
    for (const [kind, count] of Object.entries(kinds[0]!)) assert.ok(count > 0, `no call was ${kind}`);
  });
});
