import { instantOf } from '../../core/clock.ts';
import type { Pico } from '../../core/money.ts';
import { PRICE_UNITS, type PriceUnit } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';

/** What a price book says of an offer, from an instant on; null: since ever. */
export interface BookPrice {
  readonly from_ms: number | null;
  readonly tiers: readonly PriceTier[];
}

/** What the vault says of it, from an instant on. */
export interface StandingPrice {
  readonly holds_from_ms: number;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  readonly price_source: string;
  readonly tiers: readonly PriceTier[];
}

/** One price of one unit that is another in the book: pico-dollars, null where there is none. */
export interface PriceDifference {
  readonly unit: PriceUnit;
  /** For which calls: as `standard above 200000`. */
  readonly calls: string;
  readonly old: Pico | null;
  readonly new: Pico | null;
}

/** A price to be said, and what it changes. */
export interface PriceChange {
  readonly applied_from: string;
  readonly provider_model_name: string;
  readonly tiers: readonly PriceTier[];
  readonly differences: readonly PriceDifference[];
}

/**
 * What has to be said so that from `now_ms` on the vault's prices are the book's. A price that the book dates is said
 * from its date, also from one that has passed: what was rated by then stays as it was rated. What it does not date
 * holds from now.
 * @param standing by the instant that each holds from, oldest first
 * @param book the same
 * @param isOf whether a price comes from the book, by its source; others are left alone
 */
export const comparePrices = (
  standing: readonly StandingPrice[],
  book: readonly BookPrice[],
  now_ms: number,
  isOf: (price_source: string) => boolean,
): PriceChange[] => {
  const dates = [
    ...book.map(({ from_ms }) => from_ms).filter((from_ms) => from_ms !== null),
    now_ms,
    ...standing.map(({ holds_from_ms }) => holds_from_ms).filter((from_ms) => from_ms > now_ms),
  ];
  const said = [...standing];
  const changes: PriceChange[] = [];
  for (const date_ms of [...new Set(dates)].sort((a, b) => a - b)) {
    const wanted = book.findLast(({ from_ms }) => from_ms === null || from_ms <= date_ms);
    const held = said.filter(({ holds_from_ms }) => holds_from_ms <= date_ms).at(-1);
    // What came before the vault's first price was never called.
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
    said.push({ ...held, holds_from_ms: date_ms, tiers: wanted.tiers });
    said.sort((a, b) => a.holds_from_ms - b.holds_from_ms);
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
