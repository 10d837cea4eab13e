import type { Customer, ProviderKey } from '../../catalog/snapshot.ts';
import { instantOf } from '../../core/clock.ts';
import type { Pico } from '../../core/money.ts';

/** An amount that is reserved for a call until it is settled. */
export interface Reservation {
  readonly budgets: readonly Budget[];
  readonly amount: Pico;
}

/** An amount that is reserved within the limits of a customer's own provider key. */
export interface KeyReservation {
  readonly provider_key: string;
  readonly reservation: Reservation;
}

/** Limit of the spending in one period; null: spending is only counted. */
export interface Budget {
  /** `acme/2026-11` or `acme/2026-11-21`. */
  readonly key: string;
  readonly limit: Pico | null;
}

/** Spending of a customer or through a customer's own provider key on one day (UTC), from the vault or the journal. */
export interface Spending {
  /** A customer, or a provider key's `keyScope`. */
  readonly scope: string;
  /** `2026-11-21` */
  readonly day: string;
  readonly amount: Pico;
}

/** Counts spending within budgets. A reservation takes all of its budgets or none, in one step. */
export interface BudgetCounters {
  /**
   * Reserves the amount in every budget.
   * @returns the budget that the amount exceeds, or null if it is reserved
   */
  reserve(reservation: Reservation): Promise<Budget | null>;
  /** Releases the reserved amount and counts the amount that was really spent. */
  settle(reservation: Reservation, spent: Pico): Promise<void>;
  /** Counts the spending from before this process started. */
  restore(spending: readonly Spending[]): void;
  /** Spent and reserved now, in pico-dollars. */
  total(key: string): Pico;
}

/** Budgets of a customer's call at an instant: the month and the day, UTC. */
export const budgetsOf = (customer: Customer, now_ms: number): Budget[] => {
  const day = instantOf(now_ms).slice(0, 10);
  return [
    { key: monthKey(customer.customer, day), limit: customer.cost_budget_monthly },
    { key: dayKey(customer.customer, day), limit: customer.cost_budget_daily },
  ];
};

/** Counters in this process: exact, and atomic because nothing is awaited between check and reservation. */
export const createBudgetCounters = (): BudgetCounters => {
  const totals = new Map<string, Pico>();
  const add = (key: string, amount: Pico): void => {
    totals.set(key, (totals.get(key) ?? 0n) + amount);
  };
  return {
    reserve: async ({ budgets, amount }) => {
      const exceeded = budgets.find(({ key, limit }) => limit !== null && (totals.get(key) ?? 0n) + amount > limit);
      if (exceeded !== undefined) return exceeded;
      for (const { key } of budgets) add(key, amount);
      return null;
    },
    settle: async ({ budgets, amount }, spent) => {
      for (const { key } of budgets) add(key, spent - amount);
    },
    restore: (spending) => {
      for (const { scope, day, amount } of spending) {
        add(monthKey(scope, day), amount);
        add(dayKey(scope, day), amount);
      }
    },
    total: (key) => totals.get(key) ?? 0n,
  };
};

/** Scope name of a customer's own provider key. No customer's name has a colon. */
export const keyScope = (provider_key: string): string => `provider-key:${provider_key}`;

/** Limits of a customer's own provider key for a call at an instant. */
export const budgetsOfKey = (key: ProviderKey, now_ms: number): Budget[] => {
  const day = instantOf(now_ms).slice(0, 10);
  const scope = keyScope(key.provider_key);
  return [
    { key: monthKey(scope, day), limit: key.monthly_spending_limit },
    { key: dayKey(scope, day), limit: key.daily_spending_limit },
  ];
};

const monthKey = (scope: string, day: string): string => `${scope}/${day.slice(0, 7)}`;
const dayKey = (scope: string, day: string): string => `${scope}/${day}`;
