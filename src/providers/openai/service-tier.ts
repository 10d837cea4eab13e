import type { Usage } from '../../pricing/usage.ts';

/** Usage with how the provider says that it served the call, where that has other prices. */
export const servedAs = (usage: Usage | null, service_tier: unknown): Usage | null => {
  const tier = DEARER_OR_CHEAPER.get(service_tier);
  return usage === null || tier === undefined ? usage : { ...usage, service_tier: tier };
};

// https://platform.openai.com/docs/guides/priority-processing and /docs/guides/flex-processing; what is served at
// "default" or "scale" is at the standard price, or paid for beforehand.
const DEARER_OR_CHEAPER: ReadonlyMap<unknown, NonNullable<Usage['service_tier']>> = new Map([
  ['flex', 'flex'],
  ['priority', 'priority'],
]);
