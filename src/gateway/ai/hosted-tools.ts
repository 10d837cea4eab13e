import type { Price } from '../../pricing/price.ts';
import type { ServiceTier, ToolUnit } from '../../pricing/prices.ts';
import type { ToolUses, Usage } from '../../pricing/usage.ts';

/** A tool that a provider is asked to run itself, and may charge for by use, beside the tokens. */
export interface HostedTool {
  /** The client's own path of what asks for it. */
  readonly param: string;
  /** A unit of prices where it is counted in one; else what its protocol calls it. */
  readonly name: string;
  readonly unit: ToolUnit | null;
  /** How often it may be used at most; null: as often as the reply has room for. */
  readonly most: number | null;
  /** Whether replies tell how often it was; a number where they do not and it is always so often. */
  readonly uses: 'told' | 'untold' | number;
}

// What a model writes for one use of a tool: its name, an object and a word or two.
const LEAST_TOKENS_A_USE = 16;

/** How often each unit may be used at most in a reply of so many tokens. */
export const maxUses = (tools: readonly HostedTool[], completion_tokens: number): Partial<Record<ToolUnit, number>> => {
  const most: Partial<Record<ToolUnit, number>> = {};
  const room = Math.ceil(completion_tokens / LEAST_TOKENS_A_USE);
  for (const { unit, uses, most: stated } of tools) {
    if (unit === null) continue;
    const own = typeof uses === 'number' ? uses : Math.min(stated ?? room, room);
    most[unit] = (most[unit] ?? 0) + own;
  }
  return most;
};

/** A limit of uses as a client says it; null where it is none that could hold. */
export const statedMost = (given: unknown): number | null =>
  typeof given === 'number' && Number.isSafeInteger(given) && given >= 0 ? given : null;

/** The first of the tools whose use the provider has no known price for; null where each has one. */
export const unpricedTool = (
  tools: readonly HostedTool[],
  { tiers }: Price,
  service_tier: ServiceTier,
): HostedTool | null => {
  const reachable = tiers.filter((tier) => [service_tier, 'standard'].includes(tier.service_tier));
  const isPriced = (unit: ToolUnit): boolean => reachable.every(({ prices }) => prices[`${unit}_price`] !== null);
  return tools.find(({ unit }) => unit === null || !isPriced(unit)) ?? null;
};

// Clients choose the names of what we do not know: the vault takes no other.
const RECORDED_NAME = /^[a-z][a-zA-Z0-9_.-]{0,63}$/;

/** Usage with what replies do not tell of the tools that were asked for. */
export const withTools = (usage: Usage, tools: readonly HostedTool[]): Usage => {
  const untold = new Map<string, number | null>();
  for (const { name, uses } of tools) {
    if (uses === 'told') continue;
    const recorded = RECORDED_NAME.test(name) ? name : 'unknown';
    // What is known to be used stays so, whatever else has its name.
    untold.set(recorded, uses === 'untold' ? (untold.get(recorded) ?? null) : uses);
  }
  return untold.size === 0
    ? usage
    : { ...usage, tool_uses: { ...Object.fromEntries(untold), ...usage.tool_uses } satisfies ToolUses };
};
