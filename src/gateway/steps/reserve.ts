import { OneVaultError } from '../../core/errors.ts';
import { type Pico, usdFromPico } from '../../core/money.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { budgetsOf } from '../limits/budgets.ts';
import { holdKeys, maxBilled } from '../limits/key-budgets.ts';

/**
 * Holds what the call could cost at most against its customer's budgets, and against the limits of its own provider
 * keys, as a card is authorised.
 */
export const reserve =
  ({ budgets }: GatewayDeps): Step =>
  async (call) => {
    await holdKeys(budgets, call);
    const amount = call.eligible.map(maxBilled).reduce<Pico>((most, worst) => {
      return worst !== null && worst > most ? worst : most;
    }, 0n);
    const reservation = { budgets: budgetsOf(call.customer!, call.received_ms), amount };
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) {
      call.reservation = reservation;
      return;
    }
    const left = exceeded.limit! - budgets.total(exceeded.key);
    throw new OneVaultError('budget_exceeded', {
      details:
        `The call could cost ${usdFromPico(amount)} USD, and of the budget ${exceeded.key} ` +
        `${usdFromPico(left > 0n ? left : 0n)} USD are left: lower max_tokens, or raise the budget.`,
    });
  };
