import type { Knex } from 'knex';
import { insertHubs, insertSatellites, SINCE_EVER } from './writing/vault-rows.ts';

const RULES = [
  {
    rule: 'medical-to-anthropic',
    rule_name: 'Medical analysis goes to Anthropic',
    rule_priority: 50,
    conditions: { request_type: ['medical_analysis'] },
    target_provider: 'anthropic',
    cost_optimization: true,
  },
  {
    rule: 'cheapest',
    rule_name: 'The cheapest model that fits',
    rule_priority: 100,
    conditions: {},
    target_provider: null,
    cost_optimization: true,
  },
] as const;

/** Two rules to start with: one for a kind of request, and the default. */
export const seed = async (knex: Knex): Promise<void> => {
  await insertHubs(
    knex,
    { table: 'gateway.routing_rule_h', hash_key: 'routing_rule_hk', business_key: 'routing_rule_bk' },
    RULES.map(({ rule }) => rule),
  );
  await insertSatellites(
    knex,
    {
      table: 'gateway.routing_rule_s',
      hash_key: 'routing_rule_hk',
      parent: `util.hash_hub('routing_rule_h', util.encode_text(row.rule))`,
      key_columns: { rule: 'text' },
      payload: {
        rule_name: 'text',
        rule_priority: 'number',
        conditions: 'json',
        target_provider: 'text',
        target_model: 'text',
        cost_optimization: 'boolean',
        latency_optimization: 'boolean',
        quality_optimization: 'boolean',
        compliance_requirements: 'text[]',
        is_active: 'boolean',
      },
    },
    RULES.map((rule) => ({
      applied_date: SINCE_EVER,
      latency_optimization: false,
      quality_optimization: false,
      is_active: true,
      ...rule,
    })),
  );
};
