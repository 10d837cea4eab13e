import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Price } from '../../src/pricing/price.ts';
import { isFreeWithoutPrice, isToolUnit, PRICE_UNITS, type PriceUnit } from '../../src/pricing/price-units.ts';
import { type PriceTier, priceOf, tierFor, tiersAt, type UnitPrices } from '../../src/pricing/prices.ts';
import { maxCost, rate } from '../../src/pricing/rating.ts';
import { unitsOf } from '../../src/pricing/units.ts';
import type { Usage } from '../../src/pricing/usage.ts';
import { toolUses } from '../support/tool-uses.ts';

const unit = fc.bigInt({ min: 0n, max: 10n ** 9n });
const maybe = fc.option(unit, { nil: null });
const tokens = fc.integer({ min: 0, max: 2_000_000 });

const prices: fc.Arbitrary<UnitPrices> = fc
  .record(
    Object.fromEntries(PRICE_UNITS.map((name) => [`${name}_price`, maybe])) as Record<keyof UnitPrices, typeof maybe>,
  )
  .chain((all) => fc.record({ input_price: unit, output_price: unit }).map((both) => ({ ...all, ...both })));

/** Tiers by prompt length; the first one applies to every prompt. */
const tiers: fc.Arbitrary<readonly PriceTier[]> = fc
  .tuple(prices, fc.array(fc.tuple(tokens, prices), { maxLength: 3 }))
  .map(([base, longer]) =>
    [[0, base] as const, ...longer].map(([above_prompt_tokens, each], tier) => ({
      tier,
      service_tier: 'standard' as const,
      above_prompt_tokens,
      daily_from_s: null,
      daily_until_s: null,
      prices: each,
    })),
  );

const priceWith = (agreed: fc.Arbitrary<Price['agreed']>): fc.Arbitrary<Price> =>
  fc.record({
    holds_from_ms: fc.constant(0),
    is_offered: fc.constant(true),
    provider_model_name: fc.constant('m'),
    price_version: fc.constant('f'.repeat(64)),
    tier_version: fc.constant('e'.repeat(64)),
    tiers,
    agreed,
  });
const price = priceWith(fc.constant(null));
const agreement = fc.record({
  holds_from_ms: fc.constant(0),
  is_agreed: fc.constant(true),
  agreed_version: fc.constant('d'.repeat(64)),
  tiers,
});
const anyPrice = priceWith(fc.option(agreement, { nil: null }));

/** Usage as providers report it: sums of kinds and treatments, which may overlap in any way. */
const usage: fc.Arbitrary<Usage> = fc
  .record({ prompt_tokens: tokens, completion_tokens: tokens })
  .chain(({ prompt_tokens, completion_tokens }) => {
    const twoOf = (whole: number) =>
      fc.tuple(fc.nat(whole), fc.nat(whole)).map(([a, b]) => [Math.min(a, b), Math.abs(a - b)] as const);
    return fc
      .tuple(
        twoOf(prompt_tokens),
        twoOf(prompt_tokens),
        twoOf(completion_tokens),
        fc.nat(completion_tokens),
        fc.option(fc.tuple(tokens, tokens, tokens), { nil: null }),
      )
      .map(([[cached, written], [audio, image], [audio_output, image_output], reasoned, reported]) => ({
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens + completion_tokens,
        cached_tokens: cached,
        cache_write_tokens: written,
        reasoning_tokens: reasoned,
        prompt_audio_tokens: audio,
        completion_audio_tokens: audio_output,
        prompt_image_tokens: image,
        completion_image_tokens: image_output,
        images: image_output % 5,
        ...(reported === null
          ? {}
          : {
              long_cache_write_tokens: Math.min(reported[0], written),
              cached_audio_tokens: reported[1],
              cached_image_tokens: reported[2],
            }),
      }));
  });

const markup = fc.integer({ min: 0, max: 1_000_000 });

const plain = (prompt_tokens: number, completion_tokens: number): Usage => ({
  prompt_tokens,
  completion_tokens,
  total_tokens: prompt_tokens + completion_tokens,
  cached_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
});

const pricesOf = (some: Partial<UnitPrices>): UnitPrices => ({
  ...(Object.fromEntries(PRICE_UNITS.map((name) => [`${name}_price`, null])) as unknown as UnitPrices),
  ...some,
});

const ONE = { input_price: 1n, output_price: 1n };

const tierOf = (some: Partial<PriceTier>): PriceTier => ({
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  prices: pricesOf(ONE),
  ...some,
});

describe('the units of a call', () => {
  const PROMPT = /input|cache_write/;

  it('add up to its prompt and completion tokens, whatever kinds overlap', () => {
    fc.assert(
      fc.property(usage, (used) => {
        const units = unitsOf(used);
        const sum = (isOf: (name: string) => boolean): number =>
          PRICE_UNITS.filter((name) => !['request', 'image'].includes(name) && isOf(name)).reduce(
            (total, name) => total + (units[name] ?? 0),
            0,
          );
        for (const count of Object.values(units)) assert.ok(Number.isInteger(count) && count > 0);
        assert.equal(
          sum((name) => PROMPT.test(name)),
          used.prompt_tokens,
        );
        assert.equal(
          sum((name) => !PROMPT.test(name)),
          used.completion_tokens,
        );
        assert.equal((units.cache_write ?? 0) + (units.long_cache_write ?? 0), used.cache_write_tokens);
        const cached = (units.cached_input ?? 0) + (units.cached_audio_input ?? 0) + (units.cached_image_input ?? 0);
        assert.equal(cached, used.cached_tokens);
        assert.ok((units.audio_output ?? 0) === used.completion_audio_tokens);
      }),
    );
  });

  it('count each token by its kind and treatment if they do not overlap', () => {
    const used = {
      ...plain(100, 50),
      cached_tokens: 20,
      cache_write_tokens: 10,
      long_cache_write_tokens: 4,
      prompt_audio_tokens: 7,
      prompt_image_tokens: 3,
      reasoning_tokens: 30,
      completion_audio_tokens: 5,
    };
    assert.deepEqual(unitsOf(used), {
      request: 1,
      input: 60,
      cached_input: 20,
      cache_write: 6,
      long_cache_write: 4,
      audio_input: 7,
      image_input: 3,
      output: 15,
      reasoning: 30,
      audio_output: 5,
    });
  });

  it('count cached audio as cached audio, reported or derived from the sums', () => {
    const used = { ...plain(100, 0), cached_tokens: 60, prompt_audio_tokens: 90 };
    assert.deepEqual(unitsOf(used), {
      request: 1,
      cached_input: 10,
      audio_input: 40,
      cached_audio_input: 50,
    });
    const reported = { ...used, cached_audio_tokens: 60 };
    assert.deepEqual(unitsOf(reported), { request: 1, input: 10, audio_input: 30, cached_audio_input: 60 });
  });
});

describe('the tier of a call', () => {
  const standard = tierOf({});
  const long = tierOf({ tier: 1, above_prompt_tokens: 200_000 });
  const batch = tierOf({ tier: 2, service_tier: 'batch' });

  it('is the highest one that the prompt exceeds, of the reported service tier', () => {
    const all = [standard, long, batch];
    assert.equal(tierFor(all, 'standard', 0), standard);
    assert.equal(tierFor(all, 'standard', 200_000), standard);
    assert.equal(tierFor(all, 'standard', 200_001), long);
    assert.equal(tierFor(all, 'batch', 900_000), batch);
    assert.equal(tierFor(all, 'priority', 1), null);
  });

  it("depends on the hour if the provider's prices do, also across midnight", () => {
    const day = tierOf({ tier: 1, daily_from_s: 3_600, daily_until_s: 14_400 });
    const night = tierOf({ tier: 2, daily_from_s: 82_800, daily_until_s: 600 });
    const at = (time: string) => tiersAt([standard, day, night], Date.parse(`2026-11-21T${time}Z`));
    assert.deepEqual(at('00:59:59'), [standard]);
    assert.deepEqual(at('01:00:00'), [day]);
    assert.deepEqual(at('03:59:59.999'), [day]);
    assert.deepEqual(at('04:00:00'), [standard]);
    assert.deepEqual(at('23:00:00'), [night]);
    assert.deepEqual(at('00:09:59'), [night]);
    assert.deepEqual(at('00:10:00'), [standard]);
  });
});

describe('the rating of a call', () => {
  it('is the exact sum of units times the prices of its tier', () => {
    fc.assert(
      fc.property(usage, anyPrice, (used, at) => {
        const { provider_cost, customer_cost, gateway_markup, facts } = rate(used, at, 0);
        const cost = (tiers: readonly PriceTier[]): bigint => {
          const fitting = tiers.filter(
            ({ above_prompt_tokens }) => above_prompt_tokens === 0 || above_prompt_tokens < used.prompt_tokens,
          );
          const longest = Math.max(...fitting.map(({ above_prompt_tokens }) => above_prompt_tokens));
          const tier = fitting.find(({ above_prompt_tokens }) => above_prompt_tokens === longest)!;
          return Object.entries(facts!.units).reduce(
            (sum, [name, count]) => sum + BigInt(count) * priceOf(tier.prices, name as PriceUnit)!,
            0n,
          );
        };
        assert.deepEqual(facts!.units, unitsOf(used));
        assert.equal(provider_cost, cost(at.tiers));
        assert.equal(customer_cost, cost(at.agreed?.tiers ?? at.tiers));
        assert.equal(gateway_markup, customer_cost! - provider_cost!);
      }),
    );
  });

  it('charges a unit without its own price at the price of its wider kind', () => {
    const only = { ...pricesOf({ input_price: 5n, output_price: 7n }) };
    for (const name of PRICE_UNITS) {
      const of_tokens = /output|reasoning/.test(name) ? 7n : 5n;
      const expected = isFreeWithoutPrice(name) ? 0n : isToolUnit(name) ? null : of_tokens;
      assert.equal(priceOf(only, name), expected, name);
    }
    assert.equal(priceOf({ ...only, audio_input_price: 9n, cached_input_price: 1n }, 'cached_audio_input'), 9n);
    assert.equal(priceOf({ ...only, cache_write_price: 6n }, 'long_cache_write'), 6n);
  });

  it("adds a markup of at least zero to the provider's cost", () => {
    fc.assert(
      fc.property(usage, price, markup, (used, at, basis_points) => {
        const { provider_cost, customer_cost, gateway_markup, rating } = rate(used, at, basis_points);
        assert.equal(rating, 'RATED');
        assert.equal(customer_cost, provider_cost! + gateway_markup!);
        assert.ok(gateway_markup! >= 0n);
        // Rounding each unit price changes the cost by at most half a pico-dollar a unit.
        const exact = provider_cost! * BigInt(10_000 + basis_points);
        const off = customer_cost! * 10_000n - exact;
        assert.ok((off < 0n ? -off : off) <= 5_000n * BigInt(used.total_tokens + 1));
      }),
    );
  });

  it('charges agreed prices to the customer without markup, and list prices as provider cost', () => {
    fc.assert(
      fc.property(usage, price, agreement, markup, (used, at, agreed, basis_points) => {
        const listed = rate(used, at, 0);
        const rated = rate(used, { ...at, agreed }, basis_points);
        assert.equal(rated.provider_cost, listed.provider_cost);
        assert.equal(rated.customer_cost, rate(used, { ...at, tiers: agreed.tiers }, 0).customer_cost);
        assert.equal(rated.facts!.agreed_version, agreed.agreed_version);
      }),
    );
  });

  it('grows with every kind of token and with the markup', () => {
    const fields = ['prompt_tokens', 'completion_tokens'] as const;
    fc.assert(
      fc.property(usage, prices, markup, fc.constantFrom(...fields), tokens, (used, of, points, field, more) => {
        const at: Price = {
          holds_from_ms: 0,
          is_offered: true,
          provider_model_name: 'm',
          price_version: 'f'.repeat(64),
          tier_version: null,
          tiers: [tierOf({ prices: of })],
          agreed: null,
        };
        // In a longer prompt, kinds overlap less, and tokens may become cheaper. So this usage has no overlap.
        const apart = { ...used, prompt_audio_tokens: 0, prompt_image_tokens: 0, reasoning_tokens: 0 };
        const less = rate(apart, at, points).customer_cost!;
        assert.ok(rate({ ...apart, [field]: apart[field] + more }, at, points).customer_cost! >= less);
        assert.ok(rate(apart, at, points + 1).customer_cost! >= less);
      }),
    );
  });

  it('is never more than the maximum cost of the reserved usage', () => {
    fc.assert(
      fc.property(
        usage,
        anyPrice,
        markup,
        tokens,
        tokens,
        toolUses,
        (tokens_used, at, points, more_prompt, more_completion, uses) => {
          const used = { ...tokens_used, tool_uses: uses };
          const bounds = {
            prompt_tokens: used.prompt_tokens + more_prompt,
            completion_tokens: used.completion_tokens + more_completion,
            images: used.images ?? 0,
            tool_uses: uses,
          };
          const max_cost = maxCost(bounds, at, points);
          assert.ok(rate(used, at, points).customer_cost! <= max_cost!);
        },
      ),
    );
  });

  it('reserves the higher tier only for prompts that may reach it', () => {
    const prices_above = pricesOf({ input_price: 3n, output_price: 3n });
    const long = tierOf({ tier: 1, above_prompt_tokens: 100, prices: prices_above });
    const at: Price = {
      holds_from_ms: 0,
      is_offered: true,
      provider_model_name: 'm',
      price_version: 'f'.repeat(64),
      tier_version: null,
      tiers: [tierOf({}), long],
      agreed: null,
    };
    assert.equal(maxCost({ prompt_tokens: 100, completion_tokens: 10, images: 0, tool_uses: {} }, at, 0), 110n);
    assert.equal(maxCost({ prompt_tokens: 101, completion_tokens: 10, images: 0, tool_uses: {} }, at, 0), 333n);
    assert.equal(rate(plain(100, 10), at, 0).customer_cost, 110n);
    assert.equal(rate(plain(101, 10), at, 0).customer_cost, 333n);
    assert.equal(rate(plain(101, 10), at, 0).facts?.tier, 1);
  });

  it('is UNPRICED without a price, and never 0', () => {
    fc.assert(
      fc.property(usage, price, (used, at) => {
        const without = (name: 'input_price' | 'output_price'): Price => ({
          ...at,
          tiers: at.tiers.map((tier) => ({ ...tier, prices: { ...tier.prices, [name]: null } })),
        });
        const incomplete = [without('input_price'), without('output_price'), { ...at, tiers: [] }];
        for (const unpriced of [null, ...incomplete]) {
          const { rating, customer_cost, provider_cost, facts } = rate(used, unpriced, 0);
          assert.equal(rating, 'UNPRICED');
          assert.equal(customer_cost, null);
          assert.equal(provider_cost, null);
          assert.equal(facts, null);
        }
        for (const each of incomplete)
          assert.equal(maxCost({ prompt_tokens: 1, completion_tokens: 1, images: 0, tool_uses: {} }, each, 0), null);
        assert.equal(rate({ ...used, service_tier: 'priority' }, at, 0).rating, 'UNPRICED');
      }),
    );
  });
});
