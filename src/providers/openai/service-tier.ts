import type { Usage } from '../../pricing/usage.ts';

/** Usage with the service tier that the provider reports, if that tier has other prices. */
export const withServiceTier = (usage: Usage | null, service_tier: unknown): Usage | null => {
  const tier = PRICED_TIERS.get(service_tier);
  return usage === null || tier === undefined ? usage : { ...usage, service_tier: tier };
};

// https://platform.openai.com/docs/guides/priority-processing and /docs/guides/flex-processing. The tiers "default" and
// "scale" have the standard price, or are paid in advance.
const PRICED_TIERS: ReadonlyMap<unknown, NonNullable<Usage['service_tier']>> = new Map([
  ['flex', 'flex'],
  ['priority', 'priority'],
]);
