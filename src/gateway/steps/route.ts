import type { RoutingRule, Snapshot } from '../../catalog/snapshot.ts';
import type { Call, Candidate, Route, Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

/** Orders the deployments that can serve the call: first those that a routing rule names, then by maximum cost. */
export const route =
  ({ snapshot }: GatewayDeps): Step =>
  (call) => {
    call.route = decide(call, snapshot());
  };

const decide = (call: Call, snapshot: Snapshot): Route => {
  const cheapest = call.eligible.toSorted(byMaxCost);
  const rule = snapshot.routing_rules.find((candidate) => applies(candidate, call));
  const { preferred_providers } = call.customer!;
  const isPreferred =
    rule === undefined || targetsNothing(rule)
      ? ({ deployment }: Candidate) => preferred_providers?.includes(deployment.provider) ?? true
      : (candidate: Candidate) => isTarget(rule, candidate);
  const candidates = [...cheapest.filter(isPreferred), ...cheapest.filter((each) => !isPreferred(each))];
  return {
    candidates,
    decision: decisionOf(call, rule, isPreferred(candidates[0]!)),
    routing_rule: rule?.routing_rule ?? null,
    rule_version: rule?.rule_version ?? null,
  };
};

const decisionOf = (call: Call, rule: RoutingRule | undefined, is_first_choice: boolean): string => {
  if (call.parsed!.model !== null) return 'model named by the client';
  if (rule !== undefined && is_first_choice) return `rule: ${rule.rule_name}`;
  return 'cheapest model that fits';
};

/** True if all conditions hold. The snapshot holds no rule with a condition on an unknown field. */
const applies = ({ conditions }: RoutingRule, call: Call): boolean => {
  const fields = new Map([
    ['request_type', call.parsed!.type],
    ['customer', call.customer!.customer],
    ['priority', call.parsed!.priority],
  ]);
  return Object.entries(conditions).every(([field, allowed]) => {
    const value = fields.get(field);
    return value != null && Array.isArray(allowed) && allowed.includes(value);
  });
};

const targetsNothing = (rule: RoutingRule): boolean => rule.target_provider === null && rule.target_model === null;

const isTarget = (rule: RoutingRule, { deployment }: Candidate): boolean =>
  (rule.target_provider === null || rule.target_provider === deployment.provider) &&
  (rule.target_model === null || rule.target_model === deployment.model);

/**
 * Cheapest first, unpriced last. At the same cost, the name decides, so that the order is stable; the customer's own
 * key comes first.
 */
const byMaxCost = (a: Candidate, b: Candidate): number => {
  if (a.max_customer_cost !== b.max_customer_cost) {
    if (a.max_customer_cost === null) return 1;
    if (b.max_customer_cost === null) return -1;
    return a.max_customer_cost < b.max_customer_cost ? -1 : 1;
  }
  const name = ({ deployment, provider_key }: Candidate): string =>
    `${deployment.provider}/${deployment.model}/${provider_key === null ? 'platform' : 'customer'}`;
  return name(a) < name(b) ? -1 : 1;
};
