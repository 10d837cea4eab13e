import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RoutingRule, Snapshot } from '../../src/catalog/snapshot.ts';
import type { Call, Candidate, Route } from '../../src/gateway/call.ts';
import type { GatewayDeps } from '../../src/gateway/deps.ts';
import { route } from '../../src/gateway/steps/route.ts';

const candidate = (provider: string, model: string, max_customer_cost: bigint | null): Candidate => ({
  deployment: { provider, model, prices: [] },
  price: null,
  provider_model_name: model,
  max_output_tokens: null,
  max_prompt_tokens: 1,
  max_completion_tokens: 1,
  provider_key: null,
  tools: [],
  unpriced_tool: null,
  byok: null,
  max_provider_cost: max_customer_cost,
  max_customer_cost,
});

const rule = (rule_name: string, given: Partial<RoutingRule>): RoutingRule => ({
  routing_rule: rule_name,
  rule_version: 'f'.repeat(64),
  rule_name,
  rule_priority: 1,
  conditions: {},
  target_provider: null,
  target_model: null,
  ...given,
});

interface RouteInput {
  readonly eligible: readonly Candidate[];
  readonly rules?: readonly RoutingRule[];
  readonly preferred?: readonly string[] | null;
  readonly type?: string;
  readonly priority?: string | null;
  readonly model?: string | null;
}

/** The route of a call of the customer acme, with all fields of snapshot and call that the step reads. */
const routed = ({ eligible, rules = [], preferred = null, ...parsed }: RouteInput): Route => {
  const snapshot = () => ({ routing_rules: rules }) as unknown as Snapshot;
  const call = {
    eligible,
    parsed: { type: 'completion', priority: 'standard', model: null, ...parsed },
    customer: { customer: 'acme', preferred_providers: preferred },
    route: null,
  } as unknown as Call;
  void route({ snapshot } as unknown as GatewayDeps)(call);
  return call.route!;
};

const names = ({ candidates }: Route): string[] => candidates.map(({ deployment }) => deployment.model);

const CANDIDATES = [
  candidate('openai', 'dear', 30n),
  candidate('anthropic', 'middle', 20n),
  candidate('openai', 'unpriced', null),
  candidate('openai', 'cheap', 10n),
];

describe('the route of a call', () => {
  it('lists the cheapest candidate first and unpriced ones last, in any order of input', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(CANDIDATES, { minLength: CANDIDATES.length }), (eligible) => {
        assert.deepEqual(names(routed({ eligible })), ['cheap', 'middle', 'dear', 'unpriced']);
      }),
    );
  });

  it('has a stable order for equal costs', () => {
    const equal = ['c', 'a', 'd', 'b'].map((name) => candidate('openai', name, 5n));
    fc.assert(
      fc.property(fc.shuffledSubarray(equal, { minLength: equal.length }), (eligible) => {
        assert.deepEqual(names(routed({ eligible })), ['a', 'b', 'c', 'd']);
      }),
    );
  });

  it('keeps every candidate: the preferred ones first, then the others, each group by cost', () => {
    const rules = [rule('to openai', { target_provider: 'openai' })];
    assert.deepEqual(names(routed({ eligible: CANDIDATES, rules })), ['cheap', 'dear', 'unpriced', 'middle']);
    assert.deepEqual(names(routed({ eligible: CANDIDATES, preferred: ['anthropic'] })), [
      'middle',
      'cheap',
      'dear',
      'unpriced',
    ]);
  });

  it('follows the first rule that applies, and records it with its version', () => {
    const rules = [
      rule('other type', { conditions: { request_type: ['summary'] }, target_model: 'dear' }),
      rule('ours', {
        conditions: { request_type: ['completion', 'x'], customer: ['acme'] },
        target_model: 'middle',
      }),
      rule('later', { target_model: 'dear' }),
    ];
    const { candidates, routing_rule, rule_version, decision } = routed({ eligible: CANDIDATES, rules });
    assert.equal(candidates[0]!.deployment.model, 'middle');
    assert.equal(routing_rule, 'ours');
    assert.equal(rule_version, 'f'.repeat(64));
    assert.equal(decision, 'rule: ours');
  });

  it('follows a rule only if all of its conditions hold', () => {
    const target_model = 'dear';
    for (const [conditions, holds] of [
      [{}, true],
      [{ customer: ['acme'] }, true],
      [{ customer: ['other'] }, false],
      [{ customer: ['acme'], priority: ['premium'] }, false],
      [{ customer: ['acme'], priority: ['standard'] }, true],
      [{ request_type: [] }, false],
      [{ region: ['eu'] }, false],
    ] as const) {
      const first = routed({ eligible: CANDIDATES, rules: [rule('r', { conditions, target_model })] });
      assert.equal(first.routing_rule, holds ? 'r' : null, JSON.stringify(conditions));
    }
  });

  it('follows no rule with a malformed condition', () => {
    const conditions = { customer: 'acme' } as unknown as RoutingRule['conditions'];
    assert.equal(routed({ eligible: CANDIDATES, rules: [rule('r', { conditions })] }).routing_rule, null);
  });

  it('is the cheapest model if the rule matches no candidate', () => {
    const rules = [rule('elsewhere', { target_provider: 'google' })];
    const { candidates, decision } = routed({ eligible: CANDIDATES, rules });
    assert.equal(candidates[0]!.deployment.model, 'cheap');
    assert.equal(decision, 'cheapest model that fits');
  });

  it('is the model that the client names, with or without a rule', () => {
    const eligible = [CANDIDATES[0]!];
    const rules = [rule('cheap', { target_model: 'cheap' })];
    assert.equal(routed({ eligible, rules, model: 'dear' }).decision, 'model named by the client');
  });
});
