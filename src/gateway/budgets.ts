import type { Customer } from '../control/snapshot.ts';
import { instantOf } from '../core/clock.ts';
import type { Pico } from '../core/money.ts';

/** An amount held for a call until it is settled. */
export interface Reservation {
  readonly budgets: readonly Budget[];
  readonly amount: Pico;
}

/** A sum that must not pass its limit within a period. Without a limit it is only counted. */
export interface Budget {
  /** `acme/2026-11` or `acme/2026-11-21`. */
  readonly key: string;
  readonly limit: Pico | null;
}

/** What a customer spent on a day (UTC), as the vault or the journal tells it. */
export interface Spending {
  readonly customer: string;
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
      const exceeded = budgets.find(
        ({ key, limit }) => limit !== null && (totals.get(key) ?? 0n) + amount > limit,
      );
      if (exceeded !== undefined) return exceeded;
      for (const { key } of budgets) add(key, amount);
      return null;
    },
    settle: async ({ budgets, amount }, spent) => {
      for (const { key } of budgets) add(key, spent - amount);
    },
    restore: (spending) => {
      for (const { customer, day, amount } of spending) {
        add(monthKey(customer, day), amount);
        add(dayKey(customer, day), amount);
      }
    },
    total: (key) => totals.get(key) ?? 0n,
  };
};

const monthKey = (customer: string, day: string): string => `${customer}/${day.slice(0, 7)}`;
const dayKey = (customer: string, day: string): string => `${customer}/${day}`;
