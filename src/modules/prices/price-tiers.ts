import { picoFromUsd, usdFromPico } from '../../core/money.ts';
import { invalidField } from '../../http/faults.ts';
import type { Schema } from '../../http/route.ts';
import { PRICE_UNITS, type PriceUnit, priceColumn, statedCount } from '../../pricing/price-units.ts';
import { type PriceTier, SERVICE_TIERS, type ServiceTier, type UnitPrices } from '../../pricing/prices.ts';
import type { Codec } from '../../resources/declaration/codecs.ts';

/** Prices of a service tier's calls with longer prompts than a number of tokens. */
interface StatedTier {
  readonly service_tier?: ServiceTier;
  readonly above_prompt_tokens?: number;
  readonly prices: Readonly<Partial<Record<PriceUnit, number | string>>>;
}

/** A price in a body: US dollars of `statedCount` units. */
const PRICE: Schema = {
  anyOf: [
    { type: 'number', minimum: 0, maximum: 1_000_000_000 },
    { type: 'string', pattern: '^\\d{1,9}(\\.\\d{1,12})?$' },
  ],
};
const SHOWN_PRICE: Schema = { type: 'string', pattern: '^\\d+(\\.\\d{1,12})?$' };
const SECONDS: Schema = { type: ['integer', 'null'], minimum: 0, maximum: 86_400 };

const MAX_TIERS = 50;

const pricesOf = (price: Schema, required: readonly PriceUnit[]): Schema => ({
  type: 'object',
  description:
    'US dollars of a million tokens or characters, of a thousand uses of a tool, or of one request, image or second.',
  additionalProperties: false,
  required,
  properties: Object.fromEntries(PRICE_UNITS.map((unit) => [unit, price])),
});

const SERVICE_TIER: Schema = {
  enum: SERVICE_TIERS,
  description: 'Service tier of the provider; standard by default.',
};
const ABOVE: Schema = { type: 'integer', minimum: 0, maximum: 2_147_483_647 };

/** Tiers: stated prices in JSON, `PriceTier` in a resource's columns. */
export const TIERS: Codec = {
  schema: {
    type: 'array',
    minItems: 1,
    maxItems: MAX_TIERS,
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['prices'],
      properties: {
        service_tier: SERVICE_TIER,
        above_prompt_tokens: ABOVE,
        prices: pricesOf(PRICE, ['input', 'output']),
      },
    },
  },
  shown: {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['service_tier', 'above_prompt_tokens', 'prices'],
      properties: {
        service_tier: SERVICE_TIER,
        above_prompt_tokens: ABOVE,
        daily_from_s: SECONDS,
        daily_until_s: SECONDS,
        prices: pricesOf(SHOWN_PRICE, []),
      },
    },
  },
  toColumn: (value) => readTiers(value as readonly StatedTier[]),
  fromColumn: (value) => (value as readonly PriceTier[]).map(presentTier),
};

/**
 * The tiers in their order, the standard price first.
 * @throws OneVaultError validation_error when two are for the same calls, a service has none for short prompts, or a
 *   price is finer than a pico-dollar a token
 */
const readTiers = (tiers: readonly StatedTier[]): PriceTier[] => {
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

/** A tier in the form of the body. */
export const presentTier = ({ service_tier, above_prompt_tokens, prices, ...hours }: PriceTier) => ({
  service_tier,
  above_prompt_tokens,
  ...(hours.daily_from_s === null ? {} : { daily_from_s: hours.daily_from_s, daily_until_s: hours.daily_until_s }),
  prices: Object.fromEntries(
    PRICE_UNITS.flatMap((unit) => {
      const pico = prices[priceColumn(unit)];
      return pico === null ? [] : [[unit, usdFromPico(pico * statedCount(unit))]];
    }),
  ),
});

/** The prices of a tier without prices. */
export const NO_PRICES = Object.fromEntries(
  PRICE_UNITS.map((unit) => [priceColumn(unit), null]),
) as unknown as UnitPrices;

const readPrices = (given: StatedTier['prices'], path: string): UnitPrices => ({
  ...NO_PRICES,
  ...Object.fromEntries(
    (Object.entries(given) as [PriceUnit, number | string][]).map(([unit, usd]) => [
      priceColumn(unit),
      picoOfUnit(unit, usd, `${path}.${unit}`),
    ]),
  ),
});

/** Pico-dollars of one unit, from a price of many. @throws OneVaultError validation_error that names `param` */
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
