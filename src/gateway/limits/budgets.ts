import type { Customer, ProviderKey } from '../../catalog/snapshot.ts';
import { instantOf } from '../../core/clock.ts';
import type { Pico } from '../../core/money.ts';

/** An amount held for a call until it is settled. */
export interface Reservation {
  readonly budgets: readonly Budget[];
  readonly amount: Pico;
}

/** An amount held against the limits of a customer's own provider key. */
export interface KeyReservation {
  readonly provider_key: string;
  readonly reservation: Reservation;
}

/** A sum that must not pass its limit within a period. Without a limit it is only counted. */
export interface Budget {
  /** `acme/2026-11` or `acme/2026-11-21`. */
  readonly key: string;
  readonly limit: Pico | null;
}

/** What a customer spent, or what went through a key of its own, on a day (UTC), as the vault or the journal tells it. */
export interface Spending {
  /** A customer, or a provider key as `keyScope` has it. */
  readonly scope: string;
  /** `2026-11-21` */
  readonly day: string;
  readonly amount: Pico;
}

/** Spending against budgets. A reservation takes all of its budgets or none, in one step. */
export interface BudgetCounters {
  /** Holds the amount in every budget; answers with the budget that it does not fit, or null when it is held. */
  reserve(reservation: Reservation): Promise<Budget | null>;
  /** Gives the held amount back and counts what was really spent. */
  settle(reservation: Reservation, spent: Pico): Promise<void>;
  /** Counts what was spent before this process started. */
  restore(spending: readonly Spending[]): void;
  /** Spent and held now, in pico-dollars. */
  total(key: string): Pico;
}

/** The budgets that a customer's call at an instant counts against: its month and its day, UTC. */
export const budgetsOf = (customer: Customer, now_ms: number): Budget[] => {
  const day = instantOf(now_ms).slice(0, 10);
  return [
    { key: monthKey(customer.customer, day), limit: customer.cost_budget_monthly },
    { key: dayKey(customer.customer, day), limit: customer.cost_budget_daily },
  ];
};

/** Counters in this process: exact, and atomic because nothing is awaited between check and hold. */
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

/** What the budgets of a customer's own provider key are counted under; no customer's name has a colon. */
export const keyScope = (provider_key: string): string => `provider-key:${provider_key}`;

/** The limits of a customer's own provider key that a call at an instant counts against. */
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
