import type { Price } from '../../pricing/price.ts';
import type { ToolUnit } from '../../pricing/price-units.ts';
import type { ServiceTier } from '../../pricing/prices.ts';
import type { ToolUses, Usage } from '../../pricing/usage.ts';

/** A requested tool that the provider runs itself. The provider may charge for each use besides the tokens. */
export interface HostedTool {
  /** The client's path of the field that requests it. */
  readonly param: string;
  /** The price unit if it has one, else the tool's name in its protocol. */
  readonly name: string;
  readonly unit: ToolUnit | null;
  /** Limit of its uses; null: only the length of the response limits it. */
  readonly max_uses: number | null;
  /** `reported` or `unreported` by the response; a number if unreported and always the same. */
  readonly uses: 'reported' | 'unreported' | number;
}

// Tokens that a model writes for one tool use: its name, an object and a word or two.
const MIN_TOKENS_PER_USE = 16;

/** Maximum uses of each unit in a response of `completion_tokens`. */
export const maxUses = (tools: readonly HostedTool[], completion_tokens: number): Partial<Record<ToolUnit, number>> => {
  const total: Partial<Record<ToolUnit, number>> = {};
  const room = Math.ceil(completion_tokens / MIN_TOKENS_PER_USE);
  for (const { unit, uses, max_uses } of tools) {
    if (unit === null) continue;
    const own = typeof uses === 'number' ? uses : Math.min(max_uses ?? room, room);
    total[unit] = (total[unit] ?? 0) + own;
  }
  return total;
};

/** Reads a client's limit of uses; null if it is missing or not a valid number. */
export const readLimit = (given: unknown): number | null =>
  typeof given === 'number' && Number.isSafeInteger(given) && given >= 0 ? given : null;

/** The first tool without a known price of its use; null if each has one. */
export const unpricedTool = (
  tools: readonly HostedTool[],
  { tiers }: Price,
  service_tier: ServiceTier,
): HostedTool | null => {
  const reachable = tiers.filter((tier) => [service_tier, 'standard'].includes(tier.service_tier));
  const isPriced = (unit: ToolUnit): boolean => reachable.every(({ prices }) => prices[`${unit}_price`] !== null);
  return tools.find(({ unit }) => unit === null || !isPriced(unit)) ?? null;
};

// Clients choose the names of unknown tools. The vault accepts only this form.
const RECORDED_NAME = /^[a-z][a-zA-Z0-9_.-]{0,63}$/;

/** Adds the requested tools that the response does not report to the usage. */
export const withTools = (usage: Usage, tools: readonly HostedTool[]): Usage => {
  const missing = new Map<string, number | null>();
  for (const { name, uses } of tools) {
    if (uses === 'reported') continue;
    const recorded = RECORDED_NAME.test(name) ? name : 'unknown';
    // A known number of uses stays, even if another tool has the same name.
    missing.set(recorded, uses === 'unreported' ? (missing.get(recorded) ?? null) : uses);
  }
  return missing.size === 0
    ? usage
    : { ...usage, tool_uses: { ...Object.fromEntries(missing), ...usage.tool_uses } satisfies ToolUses };
};
