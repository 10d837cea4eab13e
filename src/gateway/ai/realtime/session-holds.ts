import type { ProviderKey } from '../../../catalog/snapshot.ts';
import { OneVaultError } from '../../../core/errors.ts';
import { type Pico, usdFromPico } from '../../../core/money.ts';
import { NOTHING_USED, type Rating } from '../../../pricing/rating.ts';
import type { Call } from '../../call.ts';
import type { GatewayDeps } from '../../deps.ts';
import { budgetsOf, budgetsOfKey, type Reservation } from '../../limits/budgets.ts';
import { maxBilled } from '../../limits/key-budgets.ts';
import { ratingOf } from '../../steps/settle.ts';

/** The holds of a session on its budgets, one a response, and its spending. */
export interface SessionHolds {
  /** Adds holds until there is one for each of `count` responses. @throws OneVaultError budget_exceeded */
  hold(count: number): Promise<void>;
  /** Releases one hold, and spends the cost since the last spending in its place. */
  spend(): Promise<void>;
  /** Releases every hold, and spends the rest of the cost. */
  close(): Promise<void>;
}

interface Hold {
  readonly customer: Reservation;
  readonly key: Reservation | null;
}

/** The cost of a session up to now. */
export const ratingNow = (call: Call): Rating => (call.usage === null ? NOTHING_USED : ratingOf(call));

/**
 * Holds on the budget of the session's customer and, if the customer's own key is used, on that of the key.
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
    // The session ended in the meantime.
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
      // Reservations of other keys that the session could have used.
      for (const each of call.key_reservations) if (each !== first_key) await budgets.settle(each.reservation, 0n);
    },
  };
};

/** An empty hold, for a response that ended without one: its cost is spent all the same. */
const nothingHeld = (call: Call): Hold => {
  const { provider_key } = call.chosen!;
  return {
    customer: { budgets: budgetsOf(call.customer!, call.received_ms), amount: 0n },
    key: provider_key === null ? null : { budgets: budgetsOfKey(provider_key, call.received_ms), amount: 0n },
  };
};
