import { invalidField } from '../../http/faults.ts';
import { PRICE_UNITS, type PriceColumn, priceColumn } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import { NO_PRICES, picoOfUnit, readTiers, type StatedTier, TIERS_SCHEMA } from '../prices/service.ts';
import schema from './deployment.schema.json' with { type: 'json' };

type Amount = number | string | null;

/** What an administrator offers; amounts are US dollars of as many units as `statedCount` says. */
export type OfferedModel = Readonly<Partial<Record<PriceColumn, Amount>>> & {
  readonly provider: string;
  readonly model: string;
  /** The provider's own name of it: Azure's deployment, a fine-tuned model. */
  readonly served_as?: string;
  readonly family?: string;
  readonly capabilities?: string[];
  readonly context_window_tokens?: number | null;
  readonly max_output_tokens?: number | null;
  /** Instead of single prices, where these depend on the prompt's length or the service. */
  readonly tiers?: readonly StatedTier[];
  readonly is_offered?: boolean;
};

const PRICE_PROPERTIES = Object.fromEntries(PRICE_UNITS.map((unit) => [priceColumn(unit), { $ref: '#/$defs/amount' }]));

export const DEPLOYMENT_SCHEMA = {
  ...schema,
  properties: { ...schema.properties, ...PRICE_PROPERTIES, tiers: TIERS_SCHEMA.tiers },
  $defs: { ...schema.$defs, ...TIERS_SCHEMA.$defs },
};

/**
 * The price that is said, the standard tier first; one without amounts is none.
 * @throws OneVaultError invalid_request
 */
export const readOfferedPrice = (input: OfferedModel): PriceTier[] => {
  const said = PRICE_UNITS.filter((unit) => input[priceColumn(unit)] != null);
  if (input.tiers !== undefined) {
    const [also] = said;
    if (also === undefined) return readTiers({ tiers: input.tiers });
    throw invalid(`${also}_price`, 'Prices stand in tiers, or beside each other, but not both.');
  }
  for (const [one, other] of GO_TOGETHER) {
    if (!said.includes(one) || said.includes(other)) continue;
    const rule = `${one}_price and ${other}_price go together: a price is said whole, as 0 where it is nothing, or not at all.`;
    throw invalid(`${other}_price`, rule);
  }
  const [unit] = said;
  if (unit !== undefined && !said.includes('input')) {
    const rule = `${unit}_price is not the whole price: say input_price and output_price too, as 0 where tokens cost nothing.`;
    throw invalid('input_price', rule);
  }
  const prices = said.map((each) => [
    priceColumn(each),
    picoOfUnit(each, input[priceColumn(each)]!, priceColumn(each)),
  ]);
  return [
    {
      tier: 0,
      service_tier: 'standard',
      above_prompt_tokens: 0,
      daily_from_s: null,
      daily_until_s: null,
      prices: { ...NO_PRICES, ...Object.fromEntries(prices) },
    },
  ];
};

const GO_TOGETHER = [
  ['input', 'output'],
  ['output', 'input'],
] as const;

const invalid = (field: string, message: string): Error => invalidField(field, 'price', message);
