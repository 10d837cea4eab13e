import { Gauge, type Registry as MetricsRegistry } from 'prom-client';
import type { CurrentSnapshot } from '../catalog/snapshot.ts';
import type { Dependency } from '../http/health.ts';

// Load balancers read it, so it names only the first ones; the log names all.
const MAX_NAMED = 20;

/** `/health/dependencies` of the routing rules: degraded while some are omitted, with the ids of the first ones. */
export const ruleDependency = (snapshot: CurrentSnapshot): Dependency => {
  const { unusable_rules } = snapshot();
  if (unusable_rules.length === 0) return { status: 'up' };
  const named = unusable_rules.slice(0, MAX_NAMED).map(({ routing_rule, fault }) => `${routing_rule} (${fault})`);
  const more = unusable_rules.length - named.length;
  const rest = more === 0 ? '' : `; and ${more} more`;
  return { status: 'degraded', detail: `Routing rules are left out. Correct them: ${named.join('; ')}${rest}` };
};

/** Registers the number of omitted routing rules. */
export const registerRuleMetrics = (metrics: MetricsRegistry, snapshot: CurrentSnapshot): void => {
  new Gauge({
    name: 'onevault_routing_rules_unusable',
    help: 'Active routing rules that are omitted because their conditions cannot be decided.',
    registers: [metrics],
    collect() {
      this.set(snapshot().unusable_rules.length);
    },
  });
};
