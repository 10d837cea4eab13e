import type { Pico } from '../core/money.ts';

/** Uses of tools that a provider runs itself, which tokens do not show. Of `code_session`: a machine that code ran on. */
export const TOOL_UNITS = ['web_search', 'file_search', 'maps_search', 'code_session'] as const;

export type ToolUnit = (typeof TOOL_UNITS)[number];

/** What a call is counted in, each with a price of its own. Prompt and reply are parted into them without a rest. */
export const PRICE_UNITS = [
  'input',
  'output',
  'cached_input',
  'cache_write',
  'long_cache_write',
  'reasoning',
  'audio_input',
  'cached_audio_input',
  'audio_output',
  'image_input',
  'cached_image_input',
  'image_output',
  'image',
  'request',
  ...TOOL_UNITS,
] as const;

export type PriceUnit = (typeof PRICE_UNITS)[number];

export const isToolUnit = (unit: string): unit is ToolUnit => (TOOL_UNITS as readonly string[]).includes(unit);

/** How many units people state a price of: a million tokens, a thousand uses of a tool, one request or picture. */
export const statedCount = (unit: PriceUnit): bigint => {
  if (unit === 'request' || unit === 'image') return 1n;
  return isToolUnit(unit) ? 1_000n : 1_000_000n;
};

/** Pico-dollars of one unit, by the vault's columns; null where that unit has no price of its own. */
export type UnitPrices = Readonly<Record<`${PriceUnit}_price`, Pico | null>>;

/** How a provider serves a call: what it lets wait costs less, what it prefers costs more. */
export const SERVICE_TIERS = ['standard', 'batch', 'flex', 'priority'] as const;

export type ServiceTier = (typeof SERVICE_TIERS)[number];

/** Prices, and the calls that they are for. */
export interface PriceTier {
  /** Its place in its set, from 0: the standard price. */
  readonly tier: number;
  readonly service_tier: ServiceTier;
  /** For prompts of more tokens than this; 0: for all. The whole call is at this price, not what is above alone. */
  readonly above_prompt_tokens: number;
  /** Seconds of the day (UTC), the last left out; both null: all day. Midnight lies between where `from` is greater. */
  readonly daily_from_s: number | null;
  readonly daily_until_s: number | null;
  readonly prices: UnitPrices;
}

const DAY_MS = 86_400_000;

/**
 * The tiers that hold at an instant. Where some of a service hold by the hour, these alone do; of two such times of
 * day that overlap, the one said last.
 */
export const tiersAt = (tiers: readonly PriceTier[], now_ms: number): readonly PriceTier[] => {
  if (tiers.every(({ daily_from_s }) => daily_from_s === null)) return tiers;
  const second = Math.floor((now_ms % DAY_MS) / 1_000);
  const holding = tiers.filter((tier) => isWithin(tier, second));
  return holding.filter((tier) => {
    const last = holding.findLast(
      ({ service_tier, daily_from_s }) => service_tier === tier.service_tier && daily_from_s !== null,
    );
    if (last === undefined) return true;
    return tier.daily_from_s === last.daily_from_s && tier.daily_until_s === last.daily_until_s;
  });
};

const isWithin = ({ daily_from_s: from, daily_until_s: until }: PriceTier, second: number): boolean => {
  if (from === null || until === null) return true;
  return from <= until ? from <= second && second < until : from <= second || second < until;
};

/** The tier of a call, of those that hold; null where its service has none. */
export const tierFor = (
  tiers: readonly PriceTier[],
  service_tier: ServiceTier,
  prompt_tokens: number,
): PriceTier | null => {
  let best: PriceTier | null = null;
  for (const tier of tiers) {
    if (tier.service_tier !== service_tier || !reaches(tier, prompt_tokens)) continue;
    if (best === null || tier.above_prompt_tokens > best.above_prompt_tokens) best = tier;
  }
  return best;
};

/** Whether a prompt is long enough for a tier. */
export const reaches = ({ above_prompt_tokens }: PriceTier, prompt_tokens: number): boolean =>
  above_prompt_tokens === 0 || prompt_tokens > above_prompt_tokens;

/** Where a unit has no price of its own: at whose it is charged, the first that has one. */
const STAND_INS: Readonly<Record<PriceUnit, readonly PriceUnit[]>> = {
  input: [],
  output: [],
  cached_input: ['input'],
  cache_write: ['input'],
  long_cache_write: ['cache_write', 'input'],
  reasoning: ['output'],
  audio_input: ['input'],
  cached_audio_input: ['audio_input', 'cached_input', 'input'],
  audio_output: ['output'],
  image_input: ['input'],
  cached_image_input: ['image_input', 'cached_input', 'input'],
  image_output: ['output'],
  image: [],
  request: [],
  web_search: [],
  file_search: [],
  maps_search: [],
  code_session: [],
};

/** What one unit costs, pico-dollars; null where nothing says so. Requests and images cost nothing where they have no price. */
export const priceOf = (prices: UnitPrices, unit: PriceUnit): Pico | null => {
  const own = prices[`${unit}_price`];
  if (own !== null) return own;
  for (const other of STAND_INS[unit]) {
    const price = prices[`${other}_price`];
    if (price !== null) return price;
  }
  return unit === 'request' || unit === 'image' ? 0n : null;
};
