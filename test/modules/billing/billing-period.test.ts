import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fixedClock } from '../../../src/core/clock.ts';
import { InputError } from '../../../src/core/input-error.ts';
import { closingInstant, firstDayOf, parsePeriod } from '../../../src/modules/billing/billing-period.ts';

const clock = fixedClock('2026-11-21T10:05:00Z');
const closing = (period?: string, allow_future = false): string => closingInstant(clock, { period, allow_future });

describe('the period of an invoice', () => {
  it('is a month, stored as its first day', () => {
    assert.equal(firstDayOf(parsePeriod('2026-10')), '2026-10-01');
    assert.equal(parsePeriod('2000-01'), '2000-01');
  });

  it('is refused, with the right form, if it is not a month', () => {
    const bad = [
      '',
      ' ',
      '2026',
      '2026-1',
      '2026-00',
      '2026-13',
      '2026-10-01',
      ' 2026-10',
      '2026-10\n',
      '26-10',
      '-1-10',
    ];
    for (const text of [...bad, '2026/10', '٢٠٢٦-١٠', 'x'.repeat(100_000), '2026-10;', '2026-10\0']) {
      assert.throws(
        () => parsePeriod(text),
        new InputError(`The period ${JSON.stringify(text)} is not a month. Write it as 2026-10.`),
      );
    }
    assert.throws(
      () => parsePeriod('1999-12'),
      /1999-12 is too early\. The first month that can have calls is 2000-01\.$/,
    );
  });

  it('is billed by a run whose instant lies in the month after it', () => {
    const month = fc.integer({ min: 2000 * 12, max: 2026 * 12 + 9 });
    fc.assert(
      fc.property(month, (at) => {
        const text = (count: number): string =>
          `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`;
        assert.equal(closing(text(at)).slice(0, 7), text(at + 1));
      }),
    );
  });

  it('is billed as of now when it is the month that ended last, which is also the default', () => {
    assert.equal(closing('2026-10'), '2026-11-21T10:05:00.000Z');
    assert.equal(closing(), '2026-11-21T10:05:00.000Z');
    assert.equal(closing('2026-09'), '2026-10-31T23:59:59.999Z');
    assert.equal(closing('2025-12'), '2026-01-31T23:59:59.999Z');
  });

  it('is closed before its end only on demand, and never before it began', () => {
    assert.throws(
      () => closing('2026-11'),
      /^InputError: The period 2026-11 has not ended\. Wait for its end, or close it early/,
    );
    assert.equal(closing('2026-11', true), '2026-12-01T00:00:00.000Z');
    for (const period of ['2026-12', '9999-12']) {
      assert.throws(() => closing(period, true), /has not begun\. Choose 2026-11 or an earlier month\.$/);
    }
  });
});
