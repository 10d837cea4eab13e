import type { Pico } from '../../core/money.ts';
import { BASE_UNITS, PRICE_UNITS, type PriceColumn, type PriceUnit, priceColumn } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import type { Content, RowBuilder, Stamp, VaultRow } from '../../vault/rows.ts';

type Priced<T extends PriceUnit> = Readonly<Record<PriceColumn<T>, string | null>>;

/** The columns of `model_price_s` besides prices. */
export type PriceTerms = Pick<Content<'model_price_s'>, 'provider_model_name' | 'price_source' | 'is_offered'>;

interface StatedPrice {
  readonly terms: PriceTerms;
  readonly tiers: readonly PriceTier[];
}

/** The payloads that state a deployment's price: one row, and a set of tiers if the row cannot hold them all. */
export const pricePayloads = ({
  terms,
  tiers,
}: StatedPrice): {
  readonly model_price_s: readonly [Content<'model_price_s'>];
  readonly model_price_tier_s: readonly Content<'model_price_tier_s'>[];
} => {
  const standard = tiers[0];
  if (standard === undefined) throw new RangeError('a price has at least one tier');
  const base = { ...terms, ...pricesOf(standard, BASE_UNITS) };
  const is_enough =
    tiers.length === 1 &&
    PRICE_UNITS.every(
      (unit) => (BASE_UNITS as readonly PriceUnit[]).includes(unit) || standard.prices[priceColumn(unit)] === null,
    );
  return { model_price_s: [base], model_price_tier_s: is_enough ? [] : tiers.map(tierContent) };
};

/** The rows that state a deployment's price; both satellites' with the same stamp. */
export const priceRows = (rows: RowBuilder, deployment_hk: string, price: StatedPrice, stamp: Stamp): VaultRow[] => {
  const { model_price_s, model_price_tier_s } = pricePayloads(price);
  return [
    rows.satellite('model_price_s', deployment_hk, model_price_s[0], stamp),
    ...(model_price_tier_s.length === 0
      ? []
      : rows.satelliteSet('model_price_tier_s', deployment_hk, model_price_tier_s, stamp)),
  ];
};

/** A tier as the vault's satellites of tiers hold it. */
export const tierContent = (tier: PriceTier): Content<'model_price_tier_s'> => ({
  tier: tier.tier,
  service_tier: tier.service_tier,
  above_prompt_tokens: tier.above_prompt_tokens,
  daily_from_s: tier.daily_from_s,
  daily_until_s: tier.daily_until_s,
  ...pricesOf(tier, PRICE_UNITS),
});

const pricesOf = <T extends PriceUnit>({ prices }: PriceTier, units: readonly T[]): Priced<T> =>
  Object.fromEntries(units.map((unit) => [priceColumn(unit), text(prices[priceColumn(unit)])])) as Priced<T>;

const text = (pico: Pico | null): string | null => pico?.toString() ?? null;
