import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type BookPrice,
  comparePrices,
  type PriceChange,
  type RecordedPrice,
} from '../../../src/modules/prices/compare-prices.ts';
import { PRICE_UNITS } from '../../../src/pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../../../src/pricing/prices.ts';

const NOW = 1_000;
const none = Object.fromEntries(PRICE_UNITS.map((unit) => [`${unit}_price`, null])) as unknown as UnitPrices;

const tierOf = (input_price: bigint | null, above_prompt_tokens = 0): PriceTier => ({
  tier: above_prompt_tokens === 0 ? 0 : 1,
  service_tier: 'standard',
  above_prompt_tokens,
  daily_from_s: null,
  daily_until_s: null,
  prices: { ...none, input_price, output_price: 1n },
});
const recorded = (holds_from_ms: number, input_price: bigint | null, price_source = 'book 1'): RecordedPrice => ({
  holds_from_ms,
  is_offered: true,
  provider_model_name: 'm',
  price_source,
  tiers: [tierOf(input_price)],
});
const booked = (from_ms: number | null, input_price: bigint): BookPrice => ({
  from_ms,
  tiers: [tierOf(input_price)],
});
const isOf = (source: string): boolean => source.startsWith('book ');
const compare = (held: readonly RecordedPrice[], book: readonly BookPrice[]): PriceChange[] =>
  comparePrices(held, book, NOW, isOf);
const brief = (changes: readonly PriceChange[]) =>
  changes.map(({ applied_from, tiers }) => [Date.parse(applied_from), tiers[0]?.prices.input_price]);

describe('the comparison of prices with a price book', () => {
  it('finds nothing if both have the same prices, in any division into periods', () => {
    assert.deepEqual(compare([recorded(0, 5n)], [booked(null, 5n)]), []);
    assert.deepEqual(compare([recorded(0, 5n), recorded(10, 5n)], [booked(null, 5n)]), []);
    assert.deepEqual(compare([recorded(0, 5n), recorded(2_000, 6n)], [booked(null, 5n), booked(2_000, 6n)]), []);
  });

  it('applies undated prices of the book from now, and dated ones from their date', () => {
    assert.deepEqual(brief(compare([recorded(0, 5n)], [booked(null, 4n)])), [[NOW, 4n]]);
    assert.deepEqual(brief(compare([recorded(0, 5n)], [booked(null, 5n), booked(900, 4n)])), [[900, 4n]]);
    assert.deepEqual(brief(compare([recorded(0, 5n)], [booked(null, 5n), booked(2_000, 4n)])), [[2_000, 4n]]);
  });

  it('replaces a future price that the book no longer has', () => {
    const held = [recorded(0, 5n), recorded(2_000, 9n)];
    assert.deepEqual(brief(compare(held, [booked(null, 5n)])), [[2_000, 5n]]);
  });

  it('keeps prices from other sources', () => {
    assert.deepEqual(compare([recorded(0, 5n, 'by hand')], [booked(null, 4n)]), []);
    const held = [recorded(0, 5n), recorded(2_000, 9n, 'by hand')];
    assert.deepEqual(brief(compare(held, [booked(null, 4n)])), [[NOW, 4n]]);
  });

  it('names each different price of each tier', () => {
    const book = [{ from_ms: null, tiers: [tierOf(5n), tierOf(8n, 200)] }];
    const [change] = compare([recorded(0, 4n)], book);
    assert.deepEqual(change?.differences, [
      { unit: 'input', calls: 'standard', old: 4n, new: 5n },
      { unit: 'input', calls: 'standard above 200', old: null, new: 8n },
      { unit: 'output', calls: 'standard above 200', old: null, new: 1n },
    ]);
  });

  it("results in the book's prices at every instant from now on, and then finds no difference", () => {
    const instant = fc.integer({ min: 0, max: 2 * NOW });
    const input = fc.bigInt({ min: 0n, max: 3n });
    const history = fc.uniqueArray(fc.tuple(instant, input), { selector: ([at]) => at, maxLength: 5 });
    fc.assert(
      fc.property(input, history, input, history, (first, later, base, dated) => {
        const held = [recorded(-1, first), ...later.map(([at, price]) => recorded(at, price))];
        const book = [booked(null, base), ...dated.map(([at, price]) => booked(at, price))];
        held.sort((a, b) => a.holds_from_ms - b.holds_from_ms);
        book.sort((a, b) => (a.from_ms ?? -1) - (b.from_ms ?? -1));
        const after = [...held];
        for (const { applied_from, tiers } of compare(held, book)) {
          after.push({ ...held[0]!, holds_from_ms: Date.parse(applied_from), tiers });
        }
        after.sort((a, b) => a.holds_from_ms - b.holds_from_ms);
        for (let at = NOW; at <= 2 * NOW; at += 1) {
          const has = after.findLast(({ holds_from_ms }) => holds_from_ms <= at);
          const wants = book.findLast(({ from_ms }) => from_ms === null || from_ms <= at);
          assert.equal(has?.tiers[0]?.prices.input_price, wants?.tiers[0]?.prices.input_price);
        }
        assert.deepEqual(compare(after, book), []);
      }),
      { numRuns: 50 },
    );
  });
});
