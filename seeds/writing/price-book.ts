import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findProvider, type ModelPrice } from '@pydantic/genai-prices';
import {
  BASE_UNITS,
  PRICE_UNITS,
  type PriceColumn,
  type PriceUnit,
  priceColumn,
} from '../../src/pricing/price-units.ts';

/** The units of the price data; their names end in how many of ours they are. */
const UNITS: Readonly<Record<string, PriceUnit>> = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cached_input',
  cache_write_mtok: 'cache_write',
  cache_write_1h_mtok: 'long_cache_write',
  output_reasoning_mtok: 'reasoning',
  input_audio_mtok: 'audio_input',
  cache_audio_read_mtok: 'cached_audio_input',
  output_audio_mtok: 'audio_output',
  input_image_mtok: 'image_input',
  cache_image_read_mtok: 'cached_image_input',
  output_image_mtok: 'image_output',
  requests_kcount: 'request',
  web_searches_kcount: 'web_search',
  storage_searches_kcount: 'file_search',
};

const PICO_A_DOLLAR = 1e12;

const countOf = (unit: string): number => (unit.endsWith('_mtok') ? 1e6 : 1e3);

export const PRICE_COLUMNS = PRICE_UNITS.map(priceColumn);

/** The columns of `model_price_s`; what has a price in other units needs a set of `model_price_tier_s`. */
export const BASE_COLUMNS = BASE_UNITS.map(priceColumn);

/** A row of `model_price_tier_s`: pico-dollars, as decimal strings. */
export type BookTier = Readonly<Record<PriceColumn, string | null>> & {
  readonly tier: number;
  readonly service_tier: 'standard';
  readonly above_prompt_tokens: number;
  /** Seconds of the day (UTC), both null where the price holds all day. */
  readonly daily_from_s: number | null;
  readonly daily_until_s: number | null;
};

/** Prices from an instant on (ISO 8601); null: from the beginning. Tier 0 is the standard price. */
export interface BookPeriod {
  readonly from: string | null;
  readonly tiers: readonly [BookTier, ...BookTier[]];
}

/** A model in the price data, its prices by date, oldest first. */
export interface BookEntry {
  readonly name: string | null;
  readonly context_window_tokens: number | null;
  readonly periods: readonly BookPeriod[];
}

/** Looks a model up in the price data, by the names that it has there; null where it has none. @throws RangeError */
export type PriceBook = (provider: string, model: string) => BookEntry | null;

/**
 * The price data of the installed package; nothing is fetched.
 * @throws RangeError when a price is in a unit that calls are not counted in, or finer than a pico-dollar
 */
export const packagedPrices: PriceBook = (provider, model) => {
  const info = findProvider({ providerId: provider })?.models.find((candidate) => candidate.id === model);
  if (info === undefined) return null;
  const listed = Array.isArray(info.prices) ? info.prices : [{ prices: info.prices }];
  return {
    name: info.name ?? null,
    context_window_tokens: info.context_window ?? null,
    periods: listed.flatMap(({ constraint, prices }, place): BookPeriod[] => {
      if (constraint?.type === 'time_of_date') return [];
      // In the price data the last entry that holds is the price.
      const hours = listed.slice(place + 1).flatMap((later): Hours[] => {
        if (later.constraint?.type !== 'time_of_date') return [];
        const { start_time, end_time } = later.constraint;
        return [{ from_s: secondOf(start_time), until_s: secondOf(end_time), prices: later.prices }];
      });
      const from = constraint === undefined ? null : `${constraint.start_date}T00:00:00Z`;
      return [{ from, tiers: tiersOf(prices, hours) }];
    }),
  };
};

/** A price in one unit; tokens cost nothing then. */
export const pricedBy = (unit: PriceUnit, pico: string): BookPeriod => {
  const none = Object.fromEntries(PRICE_COLUMNS.map((column) => [column, null])) as Record<PriceColumn, null>;
  const all_calls = { tier: 0, service_tier: 'standard', above_prompt_tokens: 0 } as const;
  const all_day = { daily_from_s: null, daily_until_s: null };
  const prices = { ...none, input_price: '0', output_price: '0', [priceColumn(unit)]: pico };
  return { from: null, tiers: [{ ...all_calls, ...all_day, ...prices }] };
};

/** The version of the installed price data. */
export const packagedVersion = (): string => {
  const entry = createRequire(import.meta.url).resolve('@pydantic/genai-prices');
  const manifest = readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
};

/** True if a price needs a set of `model_price_tier_s` besides its row in `model_price_s`. */
export const needsTiers = ({ tiers }: BookPeriod): boolean =>
  tiers.length > 1 ||
  PRICE_COLUMNS.some((column) => !(BASE_COLUMNS as readonly string[]).includes(column) && tiers[0][column] !== null);

interface Hours {
  readonly from_s: number;
  readonly until_s: number;
  readonly prices: ModelPrice;
}

const tiersOf = (prices: ModelPrice, hours: readonly Hours[]): [BookTier, ...BookTier[]] => {
  const all = [
    ...stepsOf(prices).map((above) => ({ prices, above, from_s: null, until_s: null })),
    ...hours.flatMap((each) => stepsOf(each.prices).map((above) => ({ ...each, above }))),
  ];
  return all.map((each, tier) => ({
    tier,
    service_tier: 'standard' as const,
    above_prompt_tokens: each.above,
    daily_from_s: each.from_s,
    daily_until_s: each.until_s,
    ...pricesAbove(each.prices, each.above),
  })) as [BookTier, ...BookTier[]];
};

/** The lengths of a prompt past which another price holds, from 0. */
const stepsOf = (prices: ModelPrice): number[] => {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  return [...new Set([0, ...starts])].sort((a, b) => a - b);
};

const pricesAbove = (prices: ModelPrice, above: number): Record<PriceColumn, string | null> => {
  const found = Object.fromEntries(PRICE_COLUMNS.map((column) => [column, null])) as Record<PriceColumn, string | null>;
  for (const [unit, price] of Object.entries(prices)) {
    if (price === undefined) continue;
    const known = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (known === undefined) throw new RangeError(`calls are not counted in ${unit}`);
    const usd = typeof price === 'object' ? stepPrice(price, above) : price;
    found[priceColumn(known)] = picoOf(usd, PICO_A_DOLLAR / countOf(unit));
  }
  // Of a model that writes nothing (of embeddings), nothing written is paid for.
  if (found.input_price !== null) found.output_price ??= '0';
  return found;
};

const stepPrice = (
  { base, tiers }: { base: number; tiers: { start: number; price: number }[] },
  above: number,
): number => tiers.filter(({ start }) => start <= above).sort((a, b) => b.start - a.start)[0]?.price ?? base;

const picoOf = (usd: number, pico_of_usd: number): string => {
  const pico = Math.round(usd * pico_of_usd);
  if (Math.abs(pico - usd * pico_of_usd) > 1e-6) throw new RangeError(`finer than a pico-dollar: ${usd} USD`);
  return String(pico);
};

const secondOf = (time: string): number => {
  const match = /^(\d\d):(\d\d):(\d\d)Z$/.exec(time);
  if (match === null) throw new RangeError(`not a time of day in UTC: ${time}`);
  return Number(match[1]) * 3_600 + Number(match[2]) * 60 + Number(match[3]);
};
