import { instantOf } from '../../core/clock.ts';
import type { Pico } from '../../core/money.ts';
import { PRICE_UNITS, type PriceUnit } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';

/** The price of a deployment in a price book, from an instant on; null: since ever. */
export interface BookPrice {
  readonly from_ms: number | null;
  readonly tiers: readonly PriceTier[];
}

/** The price of a deployment in the vault, from an instant on. */
export interface RecordedPrice {
  readonly holds_from_ms: number;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  readonly price_source: string;
  readonly tiers: readonly PriceTier[];
}

/** One price of one unit that differs from the book: pico-dollars, null without a price. */
export interface PriceDifference {
  readonly unit: PriceUnit;
  /** The calls with this price: as `standard above 200000`. */
  readonly calls: string;
  readonly old: Pico | null;
  readonly new: Pico | null;
}

/** A price to be recorded, and its differences from the price in force. */
export interface PriceChange {
  readonly applied_from: string;
  readonly provider_model_name: string;
  readonly tiers: readonly PriceTier[];
  readonly differences: readonly PriceDifference[];
}

/**
 * Finds the prices to record so that from `now_ms` on the vault has the book's prices. A price with a date in the book
 * holds from that date, even a past one: calls that are rated already keep their cost. A price without a date holds
 * from now.
 * @param recorded by the instant that each holds from, oldest first
 * @param book the same
 * @param isOf whether a price comes from the book, by its source; others are left alone
 */
export const comparePrices = (
  recorded: readonly RecordedPrice[],
  book: readonly BookPrice[],
  now_ms: number,
  isOf: (price_source: string) => boolean,
): PriceChange[] => {
  const dates = [
    ...book.map(({ from_ms }) => from_ms).filter((from_ms) => from_ms !== null),
    now_ms,
    ...recorded.map(({ holds_from_ms }) => holds_from_ms).filter((from_ms) => from_ms > now_ms),
  ];
  const timeline = [...recorded];
  const changes: PriceChange[] = [];
  for (const date_ms of [...new Set(dates)].sort((a, b) => a - b)) {
    const wanted = book.findLast(({ from_ms }) => from_ms === null || from_ms <= date_ms);
    const held = timeline.filter(({ holds_from_ms }) => holds_from_ms <= date_ms).at(-1);
    // No call is older than the vault's first price.
    if (wanted === undefined || held === undefined || !isOf(held.price_source)) continue;
    const differences = differencesOf(held.tiers, wanted.tiers);
    if (differences.length === 0) continue;
    const { provider_model_name } = held;
    changes.push({
      applied_from: instantOf(date_ms),
      provider_model_name,
      tiers: wanted.tiers,
      differences,
    });
    timeline.push({ ...held, holds_from_ms: date_ms, tiers: wanted.tiers });
    timeline.sort((a, b) => a.holds_from_ms - b.holds_from_ms);
  }
  return changes;
};

const differencesOf = (old: readonly PriceTier[], wanted: readonly PriceTier[]): PriceDifference[] => {
  const [before, after] = [byCalls(old), byCalls(wanted)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((calls) =>
    PRICE_UNITS.flatMap((unit): PriceDifference[] => {
      const [from, to] = [before, after].map((tiers) => tiers.get(calls)?.prices[`${unit}_price`] ?? null);
      return from === to ? [] : [{ unit, calls, old: from ?? null, new: to ?? null }];
    }),
  );
};

const byCalls = (tiers: readonly PriceTier[]): ReadonlyMap<string, PriceTier> =>
  new Map(tiers.map((tier) => [callsOf(tier), tier]));

const callsOf = ({ service_tier, above_prompt_tokens, daily_from_s, daily_until_s }: PriceTier): string => {
  const length = above_prompt_tokens === 0 ? '' : ` above ${above_prompt_tokens}`;
  const hours =
    daily_from_s === null || daily_until_s === null ? '' : ` ${timeOf(daily_from_s)}-${timeOf(daily_until_s)}`;
  return `${service_tier}${length}${hours}`;
};

const timeOf = (second: number): string =>
  [second / 3_600, (second / 60) % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
