import type { ProviderKey } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import { type Pico, usdFromPico } from '../../core/money.ts';
import type { Rating } from '../../pricing/rating.ts';
import type { Call, Candidate } from '../call.ts';
import { type Budget, type BudgetCounters, budgetsOfKey } from './budgets.ts';

/** What a candidate could put on the operator's bill to the customer at most; null when unpriced. */
export const maxBilled = ({ provider_key, max_customer_cost, max_provider_cost }: Candidate): Pico | null => {
  if (provider_key === null || max_customer_cost === null || max_provider_cost === null) return max_customer_cost;
  return max_customer_cost - max_provider_cost;
};

/**
 * What the operator charges for a call that a customer's own key paid for: its markup on the list price, as its fee.
 * The rest the provider bills to the customer.
 */
export const feeOf = (listed: Rating): Rating =>
  listed.provider_cost === null ? listed : { ...listed, provider_cost: 0n, customer_cost: listed.gateway_markup };

/**
 * Holds what the call could cost at most against the limits of each own key that may pay for it. Candidates whose
 * key it does not fit are given up; so are unpriced ones of a key with a limit, for nobody could count them.
 * @throws OneVaultError budget_exceeded when no candidate is left
 */
export const holdKeys = async (budgets: BudgetCounters, call: Call): Promise<void> => {
  const keys = new Map<string, ProviderKey>();
  for (const { provider_key } of call.eligible)
    if (provider_key !== null) keys.set(provider_key.provider_key, provider_key);
  let refusal: OneVaultError | null = null;
  for (const key of keys.values()) {
    const is_limited = key.daily_spending_limit !== null || key.monthly_spending_limit !== null;
    if (is_limited) {
      giveUp(call, (each) => isOf(key, each) && (each.max_provider_cost === null || each.unpriced_tool !== null));
    }
    const amount = call.eligible
      .filter((each) => isOf(key, each))
      .reduce((most, { max_provider_cost: cost }) => (cost !== null && cost > most ? cost : most), 0n);
    const reservation = { budgets: budgetsOfKey(key, call.received_ms), amount };
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) {
      call.key_reservations.push({ provider_key: key.provider_key, reservation });
      continue;
    }
    refusal = limitReached(key, exceeded, amount, budgets.total(exceeded.key));
    giveUp(call, (each) => isOf(key, each));
  }
  if (call.eligible.length > 0) return;
  throw refusal ?? new OneVaultError('unpriced_model', { param: 'model', details: UNCOUNTABLE });
};

/** Gives back what was held, and counts what the provider bills to the key that paid. */
export const settleKeys = async (budgets: BudgetCounters, call: Call): Promise<void> => {
  for (const { provider_key, reservation } of call.key_reservations) {
    const has_paid = call.chosen?.provider_key?.provider_key === provider_key;
    await budgets.settle(reservation, has_paid ? (call.provider_key_cost ?? 0n) : 0n);
  }
};

const UNCOUNTABLE = "The customer's own key has a spending limit, and what has no price cannot be held to it.";

const isOf = (key: ProviderKey, { provider_key }: Candidate): boolean =>
  provider_key?.provider_key === key.provider_key;

const giveUp = (call: Call, isGivenUp: (candidate: Candidate) => boolean): void => {
  call.eligible = call.eligible.filter((each) => !isGivenUp(each));
};

const limitReached = (key: ProviderKey, { key: name, limit }: Budget, amount: Pico, spent: Pico): OneVaultError => {
  const left = limit! - spent;
  return new OneVaultError('budget_exceeded', {
    details:
      `The call could cost ${usdFromPico(amount)} USD at ${key.provider}, and of the spending limit ${name} of the ` +
      `customer's own key ${usdFromPico(left > 0n ? left : 0n)} USD are left: lower max_tokens, raise the limit, or let the platform's key stand in.`,
  });
};
