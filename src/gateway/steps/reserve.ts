import { OneVaultError } from '../../core/errors.ts';
import { type Pico, usdFromPico } from '../../core/money.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import { budgetsOf } from '../limits/budgets.ts';
import { maxBilled, reserveKeys } from '../limits/key-budgets.ts';

/**
 * Reserves the maximum cost of the call within the customer's budgets and the limits of its own provider keys, as a
 * card payment is authorised.
 */
export const reserve =
  ({ budgets }: GatewayDeps): Step =>
  async (call) => {
    await reserveKeys(budgets, call);
    const amount = call.eligible
      .map(maxBilled)
      .reduce<Pico>((max, cost) => (cost !== null && cost > max ? cost : max), 0n);
    const reservation = { budgets: budgetsOf(call.customer!, call.received_ms), amount };
    const exceeded = await budgets.reserve(reservation);
    if (exceeded === null) {
      call.reservation = reservation;
      return;
    }
    const left = exceeded.limit! - budgets.total(exceeded.key);
    throw new OneVaultError('budget_exceeded', {
      details:
        `The call can cost ${usdFromPico(amount)} USD, but the budget ${exceeded.key} has ` +
        `${usdFromPico(left > 0n ? left : 0n)} USD left. Lower max_tokens, or raise the budget.`,
    });
  };
