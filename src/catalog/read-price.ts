import type { AgreedPrice, Price } from '../pricing/price.ts';
import { PRICE_UNITS, type PriceColumn, priceColumn } from '../pricing/price-units.ts';
import type { PriceTier, UnitPrices } from '../pricing/prices.ts';
import type { AgreedPriceRow, PriceRow, TierRow } from './snapshot-queries.ts';

/** A provider's price from its row and its set of tiers. */
export const priceOf = (row: PriceRow): Price => ({
  holds_from_ms: Date.parse(row.applied_date),
  is_offered: row.is_offered,
  provider_model_name: row.provider_model_name,
  price_version: row.price_version,
  tier_version: row.tier_version,
  tiers: (row.tiers ?? [{ ...ONLY_TIER, ...row }]).map(tierOf),
  agreed: null,
});

/** The columns of a tier that a row of model_price_s does not have. */
const ONLY_TIER = {
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  ...(Object.fromEntries(PRICE_UNITS.map((unit) => [priceColumn(unit), null])) as Record<PriceColumn, null>),
} as const;

/** A customer's price from its set of tiers. */
export const agreedPriceOf = (row: AgreedPriceRow): AgreedPrice => ({
  holds_from_ms: Date.parse(row.applied_date),
  is_agreed: row.is_agreed,
  agreed_version: row.agreed_version,
  tiers: row.tiers.map(tierOf),
});

const tierOf = (row: TierRow): PriceTier => ({
  tier: row.tier,
  service_tier: row.service_tier,
  above_prompt_tokens: row.above_prompt_tokens,
  daily_from_s: row.daily_from_s,
  daily_until_s: row.daily_until_s,
  prices: Object.fromEntries(
    PRICE_UNITS.map((unit) => [priceColumn(unit), picoOf(row[priceColumn(unit)])]),
  ) as UnitPrices,
});

/** Pico-dollars of a decimal string; null stays null. */
export const picoOf = (decimal: string | null): bigint | null => (decimal === null ? null : BigInt(decimal));
