import { centsFromPico } from '../../core/money.ts';

const PICO_PER_CENT = 10_000_000_000n;

/**
 * Cents of each amount (pico-dollars) so that they sum to the cents of the exact total, rounded half to even: each
 * gets its whole cents, and the rest goes to the greatest remainders, among equal ones to the earlier.
 */
export const allotCents = (amounts: readonly bigint[]): bigint[] => {
  const total_cents = centsFromPico(amounts.reduce((sum, amount) => sum + amount, 0n));
  const cents = amounts.map(floorCents);
  let left = total_cents - cents.reduce((sum, each) => sum + each, 0n);
  const by_remainder = amounts
    .map((amount, place) => ({ place, remainder: amount - cents[place]! * PICO_PER_CENT }))
    .toSorted((a, b) => (a.remainder === b.remainder ? a.place - b.place : a.remainder > b.remainder ? -1 : 1));
  for (const { place } of by_remainder) {
    if (left === 0n) break;
    cents[place] = cents[place]! + 1n;
    left -= 1n;
  }
  return cents;
};

const floorCents = (amount: bigint): bigint => {
  const cents = amount / PICO_PER_CENT;
  return amount % PICO_PER_CENT < 0n ? cents - 1n : cents;
};
