import type { Pico } from '../core/money.ts';
import { isFreeWithoutPrice, type PriceColumn, type PriceUnit, priceColumn, standInsOf } from './price-units.ts';

/** Pico-dollars of one unit, by the vault's columns; null if that unit has no price of its own. */
export type UnitPrices = Readonly<Record<PriceColumn, Pico | null>>;

/** A provider's classes of service: a call that may wait costs less, a preferred one costs more. */
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
 * The tiers that are valid at an instant. If some tiers of a service are for a time of day, only these are valid then;
 * of two overlapping times of day the last one.
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

/** True if a prompt is long enough for a tier. */
export const reaches = ({ above_prompt_tokens }: PriceTier, prompt_tokens: number): boolean =>
  above_prompt_tokens === 0 || prompt_tokens > above_prompt_tokens;

/** Price of one unit in pico-dollars; null if it is unknown. Requests, images, seconds and characters without a price cost nothing. */
export const priceOf = (prices: UnitPrices, unit: PriceUnit): Pico | null => {
  const own = prices[priceColumn(unit)];
  if (own !== null) return own;
  for (const other of standInsOf(unit)) {
    const price = prices[priceColumn(other)];
    if (price !== null) return price;
  }
  return isFreeWithoutPrice(unit) ? 0n : null;
};
