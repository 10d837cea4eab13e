import { picoFromUsd, usdFromPico } from '../../core/money.ts';
import { invalidField } from '../../http/faults.ts';
import { PRICE_UNITS, type PriceUnit, statedCount } from '../../pricing/price-units.ts';
import { type PriceTier, SERVICE_TIERS, type ServiceTier, type UnitPrices } from '../../pricing/prices.ts';
import schema from './customer-price.schema.json' with { type: 'json' };

/** What an administrator states; amounts are US dollars of as many units as `statedCount` says. */
export interface NewCustomerPrice {
  readonly tiers: readonly StatedTier[];
  /** From when they hold (ISO 8601, UTC); null or absent: from now. */
  readonly applied_from?: string | null;
  /** Where they were agreed. */
  readonly agreement?: string | null;
}

/** Prices of the calls of a service whose prompts are longer than so many tokens. */
export interface StatedTier {
  readonly service_tier?: ServiceTier;
  readonly above_prompt_tokens?: number;
  readonly prices: Readonly<Partial<Record<PriceUnit, number | string>>>;
}

const { items } = schema.properties.tiers;

/** The form of tiers, with a price of each unit. */
const TIERS = {
  ...schema.properties.tiers,
  items: {
    ...items,
    properties: {
      ...items.properties,
      prices: {
        ...items.properties.prices,
        properties: Object.fromEntries(PRICE_UNITS.map((unit) => [unit, { $ref: '#/$defs/price' }])),
      },
    },
  },
};

/** The form of tiers, for other schemas that take them. */
export const TIERS_SCHEMA = { tiers: TIERS, $defs: schema.$defs } as const;

export const CUSTOMER_PRICE_SCHEMA = { ...schema, properties: { ...schema.properties, tiers: TIERS } };

/**
 * The tiers in their order, the standard price first.
 * @throws OneVaultError validation_error when two are for the same calls, a service has none for short prompts, or a
 *   price is finer than a pico-dollar a token
 */
export const readTiers = ({ tiers }: Pick<NewCustomerPrice, 'tiers'>): PriceTier[] => {
  const read = tiers.map((tier, place) => ({
    service_tier: tier.service_tier ?? 'standard',
    above_prompt_tokens: tier.above_prompt_tokens ?? 0,
    prices: readPrices(tier.prices, `tiers[${place}].prices`),
  }));
  const names = read.map(({ service_tier, above_prompt_tokens }) => `${service_tier} ${above_prompt_tokens}`);
  const twice = names.findIndex((name, place) => names.indexOf(name) < place);
  if (twice >= 0) throw invalid(`tiers[${twice}]`, 'Another tier is for the same calls.');
  for (const service of new Set([...read.map(({ service_tier }) => service_tier), 'standard'])) {
    if (!names.includes(`${service} 0`)) {
      throw invalid('tiers', `The service ${service} needs a tier with above_prompt_tokens 0.`);
    }
  }
  return read
    .sort(
      (a, b) =>
        SERVICE_TIERS.indexOf(a.service_tier) - SERVICE_TIERS.indexOf(b.service_tier) ||
        a.above_prompt_tokens - b.above_prompt_tokens,
    )
    .map((each, tier) => ({ tier, ...each, daily_from_s: null, daily_until_s: null }));
};

/** A tier as it was stated. */
export const presentTier = ({ service_tier, above_prompt_tokens, prices, ...hours }: PriceTier) => ({
  service_tier,
  above_prompt_tokens,
  ...(hours.daily_from_s === null ? {} : { daily_from_s: hours.daily_from_s, daily_until_s: hours.daily_until_s }),
  prices: Object.fromEntries(
    PRICE_UNITS.flatMap((unit) => {
      const pico = prices[`${unit}_price`];
      return pico === null ? [] : [[unit, usdFromPico(pico * statedCount(unit))]];
    }),
  ),
});

/** The prices of a tier that has none. */
export const NO_PRICES = Object.fromEntries(
  PRICE_UNITS.map((unit) => [`${unit}_price`, null]),
) as unknown as UnitPrices;

const readPrices = (given: StatedTier['prices'], path: string): UnitPrices => ({
  ...NO_PRICES,
  ...Object.fromEntries(
    (Object.entries(given) as [PriceUnit, number | string][]).map(([unit, usd]) => [
      `${unit}_price`,
      picoOfUnit(unit, usd, `${path}.${unit}`),
    ]),
  ),
});

/** Pico-dollars of one unit of what is stated of many. @throws OneVaultError validation_error, naming `param` */
export const picoOfUnit = (unit: PriceUnit, usd: number | string, param: string): bigint => {
  const count = statedCount(unit);
  try {
    const pico = picoFromUsd(usd);
    if (pico % count === 0n) return pico / count;
  } catch (cause) {
    throw invalid(param, (cause as Error).message);
  }
  throw invalid(
    param,
    `A price of ${usd} USD of ${count} is finer than a pico-dollar of one: it has at most ${13 - String(count).length} decimals.`,
  );
};

const invalid = (field: string, message: string): Error => invalidField(field, 'price', message);
