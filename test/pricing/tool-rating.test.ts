import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Price } from '../../src/pricing/price.ts';
import { PRICE_UNITS, unitsOfKind } from '../../src/pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../../src/pricing/prices.ts';
import { rate } from '../../src/pricing/rating.ts';
import type { Usage } from '../../src/pricing/usage.ts';
import { toolUses } from '../support/tool-uses.ts';

const unit = fc.bigInt({ min: 0n, max: 10n ** 9n });
const pricesOf = (some: Partial<UnitPrices>): UnitPrices => ({
  ...(Object.fromEntries(PRICE_UNITS.map((name) => [`${name}_price`, null])) as unknown as UnitPrices),
  input_price: 1n,
  output_price: 1n,
  ...some,
});
const tierOf = (some: Partial<UnitPrices>): PriceTier => ({
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  prices: pricesOf(some),
});
const priceOf = (some: Partial<UnitPrices>, agreed: Price['agreed'] = null): Price => ({
  holds_from_ms: 0,
  is_offered: true,
  provider_model_name: 'm',
  price_version: 'f'.repeat(64),
  tier_version: null,
  tiers: [tierOf(some)],
  agreed,
});
const price = fc
  .record(Object.fromEntries(unitsOfKind('tool').map((name) => [`${name}_price`, fc.option(unit)])))
  .map((some) => priceOf(some as Partial<UnitPrices>));
const usage: fc.Arbitrary<Usage> = fc.tuple(fc.nat(10_000), fc.nat(10_000)).map(([prompt, completion]) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
  cached_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
}));
const markup = fc.nat(20_000);

describe('the rating of hosted tools', () => {
  it('charges each use of a priced tool besides the tokens, and names tools without a price', () => {
    fc.assert(
      fc.property(usage, price, toolUses, markup, (used, at, uses, points) => {
        const plainly = rate(used, at, points);
        const rated = rate({ ...used, tool_uses: { ...uses, dreams: 3, visions: null, naps: 0 } }, at, points);
        const tier = at.tiers[rated.facts!.tier]!;
        const priced = unitsOfKind('tool').filter(
          (unit) => (uses[unit] ?? 0) > 0 && tier.prices[`${unit}_price`] !== null,
        );
        const unpriced = unitsOfKind('tool').filter((unit) => (uses[unit] ?? 0) > 0 && !priced.includes(unit));
        const fees = priced.reduce((sum, unit) => sum + BigInt(uses[unit]!) * tier.prices[`${unit}_price`]!, 0n);
        assert.equal(rated.provider_cost, plainly.provider_cost! + fees);
        assert.ok(rated.customer_cost! - plainly.customer_cost! >= fees);
        assert.deepEqual(rated.facts!.unpriced, {
          ...Object.fromEntries(unpriced.map((unit) => [unit, uses[unit]])),
          dreams: 3,
          visions: null,
        });
        for (const unit of priced) assert.equal(rated.facts!.units[unit], uses[unit]);
        assert.equal(plainly.facts!.unpriced, undefined);
      }),
    );
  });

  it('charges tools outside an agreement at list prices with the markup', () => {
    const agreed = {
      holds_from_ms: 0,
      is_agreed: true,
      agreed_version: 'd'.repeat(64),
      tiers: [tierOf({})],
    };
    const at = priceOf({ web_search_price: 1_000n }, agreed);
    const used: Usage = {
      prompt_tokens: 10,
      completion_tokens: 0,
      total_tokens: 10,
      cached_tokens: 0,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
      prompt_audio_tokens: 0,
      completion_audio_tokens: 0,
      tool_uses: { web_search: 2 },
    };
    assert.equal(rate(used, at, 1_000).customer_cost, 10n + 2n * 1_100n);
    const own = { ...agreed, tiers: [tierOf({ web_search_price: 900n })] };
    assert.equal(rate(used, { ...at, agreed: own }, 1_000).customer_cost, 10n + 2n * 900n);
    assert.equal(rate(used, { ...at, agreed: own }, 1_000).provider_cost, 10n + 2n * 1_000n);
  });
});
