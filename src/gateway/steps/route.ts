import type { RoutingRule, Snapshot } from '../../catalog/snapshot.ts';
import type { Call, CandidateOffer, Route, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

/** Puts the offers that could serve the call in order: those that a rule names first, the cheapest of them first. */
export const route =
  ({ snapshot }: GatewayDeps): Step =>
  (call) => {
    call.route = decide(call, snapshot());
  };

const decide = (call: Call, snapshot: Snapshot): Route => {
  const cheapest = call.eligible.toSorted(byWorstCost);
  const rule = snapshot.routing_rules.find((candidate) => applies(candidate, call));
  const { preferred_providers } = call.customer!;
  const isPreferred =
    rule === undefined || targetsNothing(rule)
      ? ({ offer }: CandidateOffer) => preferred_providers?.includes(offer.provider) ?? true
      : (candidate: CandidateOffer) => isTarget(rule, candidate);
  const candidates = [...cheapest.filter(isPreferred), ...cheapest.filter((each) => !isPreferred(each))];
  return {
    candidates,
    decision: decisionOf(call, rule, isPreferred(candidates[0]!)),
    routing_rule: rule?.routing_rule ?? null,
    rule_version: rule?.rule_version ?? null,
  };
};

const decisionOf = (call: Call, rule: RoutingRule | undefined, is_first_choice: boolean): string => {
  if (call.ask!.model !== null) return 'model named by the client';
  if (rule !== undefined && is_first_choice) return `rule: ${rule.rule_name}`;
  return 'cheapest model that fits';
};

/** A condition on a field that no call has never holds: the rule was written for a gateway that knows more. */
const applies = ({ conditions }: RoutingRule, call: Call): boolean => {
  const fields = new Map([
    ['request_type', call.ask!.type],
    ['customer', call.customer!.customer],
    ['priority', call.ask!.priority],
  ]);
  return Object.entries(conditions).every(([field, allowed]) => {
    const value = fields.get(field);
    return value != null && Array.isArray(allowed) && allowed.includes(value);
  });
};

const targetsNothing = (rule: RoutingRule): boolean => rule.target_provider === null && rule.target_model === null;

const isTarget = (rule: RoutingRule, { offer }: CandidateOffer): boolean =>
  (rule.target_provider === null || rule.target_provider === offer.provider) &&
  (rule.target_model === null || rule.target_model === offer.model);

/** Cheapest first, unpriced last; by name where the cost is the same, so that the order never varies; the customer's own key first. */
const byWorstCost = (a: CandidateOffer, b: CandidateOffer): number => {
  if (a.worst_cost !== b.worst_cost) {
    if (a.worst_cost === null) return 1;
    if (b.worst_cost === null) return -1;
    return a.worst_cost < b.worst_cost ? -1 : 1;
  }
  const name = ({ offer, provider_key }: CandidateOffer): string =>
    `${offer.provider}/${offer.model}/${provider_key === null ? 'platform' : 'customer'}`;
  return name(a) < name(b) ? -1 : 1;
};
