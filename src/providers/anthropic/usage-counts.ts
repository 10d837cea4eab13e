import type { Usage } from '../../pricing/usage.ts';
import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';
import { usageOf } from './usage.ts';

interface UsageCounts {
  /** Adds the `usage` of an event if it is an object. @throws OneVaultError provider_malformed for an invalid count */
  add(given: unknown): void;
  readonly usage: Usage | null;
}

/** Follows the usage of a stream: counts are cumulative, and later events omit unchanged ones. */
export const createUsageCounts = (): UsageCounts => {
  let counts: JsonObject = {};
  let usage: Usage | null = null;
  return {
    add: (given) => {
      if (!isObject(given)) return;
      const known = Object.entries(given).filter(([, value]) => value !== null);
      counts = { ...counts, ...Object.fromEntries(known) };
      usage = usageOf(counts);
    },
    get usage() {
      return usage;
    },
  };
};
