import assert from 'node:assert/strict';
import fc from 'fast-check';
import { centsFromPico, divideHalfEven, picoFromUsd, usdFromPico } from '../../src/core/money.ts';

const PICO = 10n ** 12n;
const amount = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const divisor = fc.bigInt({ min: 1n, max: 10n ** 20n });

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** A plain decimal such as `-12.0450`, with the fraction that it equals. */
const decimal = fc
  .record({
    is_negative: fc.boolean(),
    whole: fc.bigInt({ min: 0n, max: 10n ** 18n }),
    digits: fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 12 }),
  })
  .map(({ is_negative, whole, digits }) => {
    const scale = 10n ** BigInt(digits.length);
    const numerator = whole * scale + BigInt(digits === '' ? 0 : digits);
    return {
      text: `${is_negative ? '-' : ''}${whole}${digits === '' ? '' : `.${digits}`}`,
      numerator: is_negative ? -numerator : numerator,
      scale,
    };
  });

describe('an amount of money', () => {
  it('equals the fraction of a dollar that its decimal text names', () => {
    fc.assert(
      fc.property(decimal, ({ text, numerator, scale }) => {
        assert.equal(picoFromUsd(text) * scale, numerator * PICO);
      }),
    );
  });

  it('is written in the shortest plain form that parses as the same amount', () => {
    fc.assert(
      fc.property(amount, (pico) => {
        const text = usdFromPico(pico);
        assert.equal(picoFromUsd(text), pico);
        assert.match(text, /^-?(0|[1-9]\d*)(\.\d{0,11}[1-9])?$/);
      }),
    );
    assert.equal(usdFromPico(2_500_000_000n), '0.0025');
    assert.equal(usdFromPico(0n), '0');
    assert.equal(usdFromPico(-1n), '-0.000000000001');
    assert.equal(usdFromPico(PICO), '1');
  });

  it('adds exactly: the sum of amounts equals the sum of their texts', () => {
    fc.assert(
      fc.property(fc.array(decimal, { maxLength: 20 }), (parts) => {
        const sum = parts.reduce((total, { text }) => total + picoFromUsd(text), 0n);
        const exact = parts.reduce((total, { numerator, scale }) => total + numerator * (PICO / scale), 0n);
        assert.equal(sum, exact);
      }),
    );
  });

  it("parsed from a number equals that number's shortest plain form, small numbers included", () => {
    assert.equal(picoFromUsd(0.15), 150_000_000_000n);
    assert.equal(picoFromUsd(1e-7), 100_000n);
    assert.equal(picoFromUsd(1e-12), 1n);
    assert.equal(picoFromUsd(1_000_000_000), 10n ** 21n);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (millionths) => {
        assert.equal(picoFromUsd(millionths / 1e6), BigInt(millionths) * 1_000_000n);
      }),
    );
  });

  it('is refused if its text is not a decimal, or is finer than a pico-dollar', () => {
    for (const text of ['', '.5', '5.', '1e3', '+1', '1,000', ' 1', '0x1', 'NaN', '1\n', '١']) {
      assert.throws(() => picoFromUsd(text), /not a decimal amount of US dollars/, text);
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => picoFromUsd(value), RangeError);
    }
    assert.throws(() => picoFromUsd('0.0000000000001'), /finer than a pico-dollar/);
    assert.throws(() => picoFromUsd(1e-13), /finer than a pico-dollar/);
    assert.equal(picoFromUsd('0.0000000000010'), 1n);
  });
});

describe('rounding', () => {
  it('goes to the nearest integer, and from the middle of two to the even one', () => {
    fc.assert(
      fc.property(amount, divisor, (dividend, by) => {
        const rounded = divideHalfEven(dividend, by);
        const twice_off = absolute(dividend - rounded * by) * 2n;
        assert.ok(twice_off <= by);
        if (twice_off === by) assert.equal(rounded % 2n, 0n);
      }),
    );
  });

  it('of a half goes to the even neighbour, on both sides of zero', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (half) => {
        const rounded = divideHalfEven(half * 2n + 1n, 2n);
        assert.equal(rounded % 2n, 0n);
        assert.equal(absolute(rounded * 2n - (half * 2n + 1n)), 1n);
      }),
    );
  });

  it('of a negative amount mirrors that of the positive amount', () => {
    fc.assert(
      fc.property(amount, divisor, (dividend, by) => {
        assert.equal(divideHalfEven(-dividend, by), -divideHalfEven(dividend, by));
      }),
    );
  });

  it('to the cent differs by at most half a cent', () => {
    assert.deepEqual(
      ['0.005', '0.015', '0.0150000001', '0.024999', '-0.005', '-0.025', '12.345'].map((usd) =>
        centsFromPico(picoFromUsd(usd)),
      ),
      [0n, 2n, 2n, 2n, 0n, -2n, 1_234n],
    );
    fc.assert(
      fc.property(amount, (pico) => assert.ok(absolute(pico - centsFromPico(pico) * 10n ** 10n) <= 5n * 10n ** 9n)),
    );
  });
});
