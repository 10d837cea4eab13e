import type { ProviderKey } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import { type Pico, usdFromPico } from '../../core/money.ts';
import type { Rating } from '../../pricing/rating.ts';
import type { Call, Candidate } from '../call.ts';
import { type Budget, type BudgetCounters, budgetsOfKey } from './budgets.ts';

/** Maximum that the operator can bill to the customer for a candidate; null if unpriced. */
export const maxBilled = ({ provider_key, max_customer_cost, max_provider_cost }: Candidate): Pico | null => {
  if (provider_key === null || max_customer_cost === null || max_provider_cost === null) return max_customer_cost;
  return max_customer_cost - max_provider_cost;
};

/**
 * Operator's charge for a call that the customer's own key paid: the markup on the list price. The provider bills the
 * rest to the customer.
 */
export const feeOf = (listed: Rating): Rating =>
  listed.provider_cost === null ? listed : { ...listed, provider_cost: 0n, customer_cost: listed.gateway_markup };

/**
 * Reserves the maximum cost of the call within the limits of each of the customer's own keys that may pay for it. Drops
 * candidates whose key has too little left, and unpriced ones of a key with a limit, whose cost nobody can count.
 * @throws OneVaultError budget_exceeded when no candidate is left
 */
export const reserveKeys = async (budgets: BudgetCounters, call: Call): Promise<void> => {
  const keys = new Map<string, ProviderKey>();
  for (const { provider_key } of call.eligible)
    if (provider_key !== null) keys.set(provider_key.provider_key, provider_key);
  let refusal: OneVaultError | null = null;
  for (const key of keys.values()) {
    const is_limited = key.daily_spending_limit !== null || key.monthly_spending_limit !== null;
    if (is_limited) {
      dropCandidates(
        call,
        (each) => isOf(key, each) && (each.max_provider_cost === null || each.unpriced_tool !== null),
      );
    }
    const amount = call.eligible
      .filter((each) => isOf(key, each))
      .reduce((max, { max_provider_cost: cost }) => (cost !== null && cost > max ? cost : max), 0n);
    const reservation = { budgets: budgetsOfKey(key, call.received_ms), amount };
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) {
      call.key_reservations.push({ provider_key: key.provider_key, reservation });
      continue;
    }
    refusal = limitReached(key, exceeded, amount, budgets.total(exceeded.key));
    dropCandidates(call, (each) => isOf(key, each));
  }
  if (call.eligible.length > 0) return;
  throw refusal ?? new OneVaultError('unpriced_model', { param: 'model', details: NO_PRICE });
};

/** Releases the reservations and counts the provider's bill for the key that paid. */
export const settleKeys = async (budgets: BudgetCounters, call: Call): Promise<void> => {
  for (const { provider_key, reservation } of call.key_reservations) {
    const pays_call = call.chosen?.provider_key?.provider_key === provider_key;
    await budgets.settle(reservation, pays_call ? (call.provider_key_cost ?? 0n) : 0n);
  }
};

const NO_PRICE =
  "The customer's own key has a spending limit, which cannot be checked for a model without a price. Set a price, or choose a priced model.";

const isOf = (key: ProviderKey, { provider_key }: Candidate): boolean =>
  provider_key?.provider_key === key.provider_key;

const dropCandidates = (call: Call, isDropped: (candidate: Candidate) => boolean): void => {
  call.eligible = call.eligible.filter((each) => !isDropped(each));
};

const limitReached = (key: ProviderKey, { key: name, limit }: Budget, amount: Pico, spent: Pico): OneVaultError => {
  const left = limit! - spent;
  return new OneVaultError('budget_exceeded', {
    details:
      `The call can cost ${usdFromPico(amount)} USD at ${key.provider}, but the spending limit ${name} of the ` +
      `customer's own key has ${usdFromPico(left > 0n ? left : 0n)} USD left. Lower max_tokens, raise the limit, or set the key's fallback to "platform".`,
  });
};
