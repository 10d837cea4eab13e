import { invalidField } from '../../http/faults.ts';
import { PRICE_UNITS, type PriceUnit, priceColumn } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import type { Columns } from '../../resources/declaration/resource.ts';
import { NO_PRICES, picoOfUnit } from '../prices/service.ts';

/** The tiers without a price: the customer's policy admits or refuses such calls. */
export const UNPRICED: readonly PriceTier[] = [
  {
    tier: 0,
    service_tier: 'standard',
    above_prompt_tokens: 0,
    daily_from_s: null,
    daily_until_s: null,
    prices: NO_PRICES,
  },
];

/**
 * The flat price of a body, as `input_price`; null if it has no price.
 * @throws OneVaultError validation_error if it is incomplete, or the body has `tiers` too
 */
export const flatPrice = (body: Columns): readonly PriceTier[] | null => {
  const stated = PRICE_UNITS.filter((unit) => body[priceColumn(unit)] != null);
  const [first] = stated;
  if (first === undefined) return null;
  if (body.tiers !== undefined) {
    throw invalid(priceColumn(first), 'Prices stand in tiers, or beside each other, but not both.');
  }
  for (const [one, other] of GO_TOGETHER) {
    if (!stated.includes(one) || stated.includes(other)) continue;
    const rule = `${one}_price and ${other}_price go together: state both, with 0 for a unit that is free, or neither.`;
    throw invalid(priceColumn(other), rule);
  }
  if (!stated.includes('input')) {
    const rule = `${first}_price is not the whole price: say input_price and output_price too, as 0 where tokens cost nothing.`;
    throw invalid('input_price', rule);
  }
  const prices = stated.map((unit) => [priceColumn(unit), picoOf(unit, body)]);
  return [{ ...UNPRICED[0]!, prices: { ...NO_PRICES, ...Object.fromEntries(prices) } }];
};

const picoOf = (unit: PriceUnit, body: Columns): bigint =>
  picoOfUnit(unit, body[priceColumn(unit)] as number | string, priceColumn(unit));

const GO_TOGETHER = [
  ['input', 'output'],
  ['output', 'input'],
] as const;

const invalid = (field: string, message: string): Error => invalidField(field, 'price', message);
