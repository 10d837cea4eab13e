import type { ProviderKey } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import { type Pico, usdFromPico } from '../../../core/money.ts';
import { NOTHING_USED, type Rating } from '../../../pricing/rating.ts';
import type { Call } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { budgetsOf, budgetsOfKey, type Reservation } from '../../limits/budgets.ts';
import { maxBilled } from '../../limits/key-budgets.ts';
import { ratingOf } from '../../steps/settle.ts';

/** What a session holds of its budgets, one hold a response, and what it spent of them. */
export interface SessionHolds {
  /** Holds enough for so many responses. @throws OneVaultError budget_exceeded */
  hold(count: number): Promise<void>;
  /** Gives one hold back, and counts in its place what has been used since the last time. */
  spend(): Promise<void>;
  /** Gives every hold back, and counts what has been used and not yet counted. */
  close(): Promise<void>;
}

interface Hold {
  readonly customer: Reservation;
  readonly key: Reservation | null;
}

/** The cost of a session up to now. */
export const ratingNow = (call: Call): Rating => (call.usage === null ? NOTHING_USED : ratingOf(call));

/**
 * The reservations of a session: of its customer's budget, and of the budget of the customer's own key if it is used.
 * @param call admitted, with the provider of the session as `chosen`
 */
export const createSessionHolds = ({ budgets }: Pick<GatewayDeps, 'budgets'>, call: Call): SessionHolds => {
  const { provider_key } = call.chosen!;
  const [first_key] = call.key_reservations.filter((each) => each.provider_key === provider_key?.provider_key);
  const holds: Hold[] = [{ customer: call.reservation!, key: first_key?.reservation ?? null }];
  let spent: Pico = 0n;
  let spent_by_key: Pico = 0n;
  let is_closed = false;

  const holdOne = async (): Promise<void> => {
    const customer = {
      budgets: budgetsOf(call.customer!, call.received_ms),
      amount: maxBilled(call.chosen!) ?? 0n,
    };
    await reserve(customer);
    const hold: Hold = { customer, key: provider_key === null ? null : keyReservation(provider_key) };
    try {
      if (hold.key !== null) await reserve(hold.key);
    } catch (error) {
      await budgets.settle(customer, 0n);
      throw error;
    }
    holds.push(hold);
    // The session ended meanwhile.
    if (is_closed) await spend();
  };

  const keyReservation = (key: ProviderKey): Reservation => ({
    budgets: budgetsOfKey(key, call.received_ms),
    amount: call.chosen!.max_provider_cost ?? 0n,
  });

  const reserve = async (reservation: Reservation): Promise<void> => {
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) return;
    const left = exceeded.limit! - budgets.total(exceeded.key);
    throw new OneVaultError('budget_exceeded', {
      details:
        `The next response could cost ${usdFromPico(reservation.amount)} USD, and of the budget ${exceeded.key} ` +
        `${usdFromPico(left > 0n ? left : 0n)} USD are left.`,
    });
  };

  const spend = async (): Promise<void> => {
    const { customer_cost } = ratingNow(call);
    const more = (customer_cost ?? 0n) - spent;
    const more_by_key = (call.provider_key_cost ?? 0n) - spent_by_key;
    spent += more;
    spent_by_key += more_by_key;
    const hold = holds.shift() ?? nothingHeld(call);
    await budgets.settle(hold.customer, more);
    if (hold.key !== null) await budgets.settle(hold.key, more_by_key);
  };

  return {
    hold: async (count: number): Promise<void> => {
      while (holds.length < count && !is_closed) await holdOne();
    },
    spend,
    close: async (): Promise<void> => {
      is_closed = true;
      do await spend();
      while (holds.length > 0);
      // Those of other keys, which the session might have gone to.
      for (const each of call.key_reservations) if (each !== first_key) await budgets.settle(each.reservation, 0n);
    },
  };
};

/** A response ended that nothing was held for: it is counted all the same. */
const nothingHeld = (call: Call): Hold => {
  const { provider_key } = call.chosen!;
  return {
    customer: { budgets: budgetsOf(call.customer!, call.received_ms), amount: 0n },
    key: provider_key === null ? null : { budgets: budgetsOfKey(provider_key, call.received_ms), amount: 0n },
  };
};
