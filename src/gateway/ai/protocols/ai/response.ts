import { usdFromPico } from '../../../../core/money.ts';
import type { Rating } from '../../../../pricing/rating.ts';
import type { FinishedCall } from '../../operation.ts';

/** Common fields of a unified response: provider, model, usage, cost and route. */
export const responseOf = (object: string, call: FinishedCall, rating: Rating) => ({
  id: call.request_id,
  object,
  created: Math.floor(call.received_ms / 1_000),
  provider: call.chosen?.deployment.provider ?? null,
  model: call.chosen?.deployment.model ?? null,
  usage: call.usage,
  cost: rating.customer_cost === null ? null : { amount: usdFromPico(rating.customer_cost), currency: 'USD' },
  route: {
    reason: call.route?.decision ?? null,
    rule: call.route?.routing_rule ?? null,
    attempts: call.attempts,
  },
});
