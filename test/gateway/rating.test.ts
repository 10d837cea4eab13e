import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Price } from '../../src/control/snapshot.ts';
import { rate, worstCost } from '../../src/gateway/rating.ts';
import type { Usage } from '../../src/providers/chat-form.ts';

const unit = fc.bigInt({ min: 0n, max: 10n ** 9n });
const maybe = fc.option(unit, { nil: null });

const price: fc.Arbitrary<Price> = fc.record({
  holds_from_ms: fc.constant(0),
  is_offered: fc.constant(true),
  provider_model_name: fc.constant('m'),
  price_version: fc.constant('f'.repeat(64)),
  input_price: unit,
  output_price: unit,
  cached_input_price: maybe,
  cache_write_price: maybe,
  reasoning_price: maybe,
  request_price: maybe,
});

const tokens = fc.integer({ min: 0, max: 2_000_000 });

const usage: fc.Arbitrary<Usage> = fc
  .record({ fresh: tokens, cached: tokens, written: tokens, spoken: tokens, reasoned: tokens })
  .map(({ fresh, cached, written, spoken, reasoned }) => ({
    prompt_tokens: fresh + cached + written,
    completion_tokens: spoken + reasoned,
    total_tokens: fresh + cached + written + spoken + reasoned,
    cached_tokens: cached,
    cache_write_tokens: written,
    reasoning_tokens: reasoned,
    prompt_audio_tokens: 0,
    completion_audio_tokens: 0,
  }));

const markup = fc.integer({ min: 0, max: 1_000_000 });

describe('the rating of a call', () => {
  it('is the exact sum of tokens times prices', () => {
    fc.assert(
      fc.property(usage, price, (used, at) => {
        const { provider_cost, customer_cost, gateway_markup } = rate(used, at, 0);
        const { cached_tokens, cache_write_tokens, reasoning_tokens } = used;
        const fresh = BigInt(used.prompt_tokens - cached_tokens - cache_write_tokens);
        const expected =
          fresh * at.input_price! +
          BigInt(cached_tokens) * (at.cached_input_price ?? at.input_price!) +
          BigInt(cache_write_tokens) * (at.cache_write_price ?? at.input_price!) +
          BigInt(used.completion_tokens - reasoning_tokens) * at.output_price! +
          BigInt(reasoning_tokens) * (at.reasoning_price ?? at.output_price!) +
          (at.request_price ?? 0n);
        assert.equal(provider_cost, expected);
        assert.equal(customer_cost, expected);
        assert.equal(gateway_markup, 0n);
      }),
    );
  });

  it('adds the markup to the provider’s cost, and never takes away', () => {
    fc.assert(
      fc.property(usage, price, markup, (used, at, basis_points) => {
        const { provider_cost, customer_cost, gateway_markup, rating } = rate(used, at, basis_points);
        assert.equal(rating, 'RATED');
        assert.equal(customer_cost, provider_cost! + gateway_markup!);
        assert.ok(gateway_markup! >= 0n);
        // Half a pico-dollar a unit is the most that rounding each unit price can make.
        const exact = provider_cost! * BigInt(10_000 + basis_points);
        const off = customer_cost! * 10_000n - exact;
        assert.ok((off < 0n ? -off : off) <= 5_000n * BigInt(used.total_tokens + 1));
      }),
    );
  });

  it('grows with every kind of token and with the markup', () => {
    const fields = ['prompt_tokens', 'completion_tokens'] as const;
    fc.assert(
      fc.property(
        usage,
        price,
        markup,
        fc.constantFrom(...fields),
        tokens,
        (used, at, points, field, more) => {
          const less = rate(used, at, points).customer_cost!;
          assert.ok(rate({ ...used, [field]: used[field] + more }, at, points).customer_cost! >= less);
          assert.ok(rate(used, at, points + 1).customer_cost! >= less);
        },
      ),
    );
  });

  it('is never more than the worst cost of what was reserved for', () => {
    fc.assert(
      fc.property(usage, price, markup, tokens, tokens, (used, at, points, more, most) => {
        const worst = worstCost(used.prompt_tokens + more, used.completion_tokens + most, at, points);
        assert.ok(rate(used, at, points).customer_cost! <= worst!);
      }),
    );
  });

  it('is none without a price, and never silently 0', () => {
    fc.assert(
      fc.property(usage, price, (used, at) => {
        for (const unpriced of [null, { ...at, input_price: null }, { ...at, output_price: null }]) {
          const { rating, customer_cost, provider_cost } = rate(used, unpriced, 0);
          assert.equal(rating, 'UNPRICED');
          assert.equal(customer_cost, null);
          assert.equal(provider_cost, null);
        }
        assert.equal(worstCost(1, 1, { ...at, input_price: null }, 0), null);
      }),
    );
  });
});
