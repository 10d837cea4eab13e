import type { RoutingRule, UnusableRule } from './snapshot.ts';

/** The fields of a call that conditions of routing rules may name. */
export const CONDITION_FIELDS = ['request_type', 'customer', 'priority'] as const;

export type ConditionField = (typeof CONDITION_FIELDS)[number];

interface SortedRules {
  readonly routing_rules: readonly RoutingRule[];
  readonly unusable_rules: readonly UnusableRule[];
}

/** Decidable rules in order, and undecidable ones, which a later version or an operator's SQL wrote. */
export const sortRules = (rules: readonly RoutingRule[]): SortedRules => {
  const routing_rules: RoutingRule[] = [];
  const unusable_rules: UnusableRule[] = [];
  for (const rule of rules) {
    const fault = faultOfConditions(rule.conditions);
    if (fault === null) routing_rules.push(rule);
    else unusable_rules.push({ routing_rule: rule.routing_rule, rule_version: rule.rule_version, fault });
  }
  return { routing_rules, unusable_rules };
};

/** The first fault of a rule's conditions; null if they can match a call. */
const faultOfConditions = (conditions: RoutingRule['conditions']): string | null => {
  for (const [field, allowed] of Object.entries(conditions)) {
    const name = JSON.stringify(field);
    if (!CONDITION_FIELDS.includes(field as ConditionField)) {
      return `condition on the unknown field ${name}; known are ${CONDITION_FIELDS.join(', ')}`;
    }
    const is_list = Array.isArray(allowed) && allowed.every((value) => typeof value === 'string');
    if (!is_list || allowed.length === 0) return `the condition on ${name} is not a list of texts with at least one`;
  }
  return null;
};
