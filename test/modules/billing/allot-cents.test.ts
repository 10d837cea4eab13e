import assert from 'node:assert/strict';
import fc from 'fast-check';
import { centsFromPico } from '../../../src/core/money.ts';
import { allotCents } from '../../../src/modules/billing/allot-cents.ts';

describe('cents allotted to lines', () => {
  it('sum to the cents of the exact total and differ from each exact amount by less than a cent', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), { maxLength: 30 }), (amounts) => {
        const cents = allotCents(amounts);
        const total = amounts.reduce((sum, each) => sum + each, 0n);
        assert.equal(
          cents.reduce((sum, each) => sum + each, 0n),
          centsFromPico(total),
        );
        for (const [place, amount] of amounts.entries()) {
          const off = cents[place]! * 10_000_000_000n - amount;
          assert.ok(off > -10_000_000_000n && off < 10_000_000_000n);
        }
      }),
    );
  });

  it('go to the greatest remainders first', () => {
    assert.deepEqual(allotCents([3_000_000_000n, 4_000_000_000n, 3_000_000_000n]), [0n, 1n, 0n]);
    assert.deepEqual(allotCents([5_000_000_000n, 5_000_000_000n]), [1n, 0n]);
  });
});
