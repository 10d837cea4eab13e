import { divideHalfEven, type Pico } from '../core/money.ts';
import type { RatingFacts } from '../journal/record.ts';
import type { Price } from './price.ts';
import { isToolUnit, type PriceUnit, priceColumn, type ToolUnit, unitsOfKind } from './price-units.ts';
import { type PriceTier, priceOf, reaches, tierFor } from './prices.ts';
import { type Units, unitsOf } from './units.ts';
import type { ToolUses, Usage } from './usage.ts';

/** Costs of a call in pico-dollars; null amounts if the model has no price for what was used. */
export interface Rating {
  readonly rating: 'RATED' | 'UNPRICED' | 'NONE';
  readonly provider_cost: Pico | null;
  /** Below 0 where the customer agreed on less than the provider charges. */
  readonly gateway_markup: Pico | null;
  readonly customer_cost: Pico | null;
  readonly price_version: string | null;
  /** The facts behind the costs, besides `price_version`; null without costs. */
  readonly facts: RatingFacts | null;
}

/** A call that used nothing: refused, or failed before a provider produced anything. */
export const NOTHING_USED: Rating = {
  rating: 'NONE',
  provider_cost: 0n,
  gateway_markup: 0n,
  customer_cost: 0n,
  price_version: null,
  facts: null,
};

const UNPRICED: Rating = {
  rating: 'UNPRICED',
  provider_cost: null,
  gateway_markup: null,
  customer_cost: null,
  price_version: null,
  facts: null,
};

/**
 * Rates a call's usage: each unit at the price of the tier that the whole prompt's length leads to.
 * @param price with the prices that the customer agreed on, where it did: it pays these, and no markup
 * @param markup_basis_points the customer's markup: 2000 is 20 %. It raises each unit price, rounded half to
 *   even to the pico-dollar, so that a call's cost is an exact sum of units × integer prices.
 */
export const rate = (usage: Usage, price: Price | null, markup_basis_points: number): Rating => {
  if (price === null) return UNPRICED;
  const service_tier = usage.service_tier ?? 'standard';
  const prompt_tokens = usage.longest_prompt_tokens ?? usage.prompt_tokens;
  const listed = tierFor(price.tiers, service_tier, prompt_tokens);
  const agreed = tierFor(price.agreed?.tiers ?? [], service_tier, prompt_tokens);
  if (listed === null) return { ...UNPRICED, price_version: price.price_version };
  const tools = ratedUses(usage.tool_uses ?? {}, listed);
  const units = { ...withoutFree(unitsOf(usage), agreed === null ? [listed] : [listed, agreed]), ...tools.priced };
  const provider_cost = costOf(units, (unit) => chargedAt(listed, unit, 0));
  const customer_cost = costOf(units, (unit) => {
    if (agreed === null) return chargedAt(listed, unit, markup_basis_points);
    // Tools that were not agreed on cost as listed.
    const own = chargedAt(agreed, unit, 0);
    return own === null && isToolUnit(unit) ? chargedAt(listed, unit, markup_basis_points) : own;
  });
  const is_priced = isComplete(listed) && (agreed === null || isComplete(agreed));
  if (!is_priced || provider_cost === null || customer_cost === null)
    return { ...UNPRICED, price_version: price.price_version };
  return {
    rating: 'RATED',
    provider_cost,
    gateway_markup: customer_cost - provider_cost,
    customer_cost,
    price_version: price.price_version,
    facts: {
      units,
      tier: listed.tier,
      ...(price.tier_version === null ? {} : { tier_version: price.tier_version }),
      ...(agreed === null ? {} : { agreed_tier: agreed.tier, agreed_version: price.agreed!.agreed_version }),
      markup_basis_points,
      ...(Object.keys(tools.unpriced).length === 0 ? {} : { unpriced: tools.unpriced }),
    },
  };
};

// Every call for speech has characters, and every transcription seconds; most models are charged by tokens instead.
const MEASURED = ['audio_second', 'character'] as const;

/** Units without the measured ones that no tier has a price of. */
const withoutFree = (units: Units, tiers: readonly PriceTier[]): Units => {
  const charged = { ...units };
  for (const unit of MEASURED) {
    if (tiers.every(({ prices }) => prices[priceColumn(unit)] === null)) delete charged[unit];
  }
  return charged;
};

/** True if a tier of a price has its own price of a unit. */
export const charges = (price: Price, unit: PriceUnit): boolean =>
  [...price.tiers, ...(price.agreed?.tiers ?? [])].some(({ prices }) => prices[priceColumn(unit)] !== null);

/** Parts the uses of tools into those that have a price, and the others by name. */
const ratedUses = (uses: ToolUses, listed: PriceTier): { readonly priced: Units; readonly unpriced: ToolUses } => {
  const priced: Units = {};
  const unpriced: Record<string, number | null> = {};
  for (const [name, count] of Object.entries(uses)) {
    if (count === 0) continue;
    if (count !== null && isToolUnit(name) && chargedAt(listed, name, 0) !== null) priced[name] = count;
    else unpriced[name] = count;
  }
  return { priced, unpriced };
};

/** Upper bounds of what a call may use. */
interface MaxUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly images: number;
  /** Absent: none. */
  readonly audio_seconds?: number;
  readonly characters?: number;
  readonly tool_uses: Partial<Record<ToolUnit, number>>;
}

/**
 * Maximum cost of a call for the customer, over all tiers that it can end in; null if it is unpriced.
 */
export const maxCost = (max_usage: MaxUsage, price: Price, markup_basis_points: number): Pico | null => {
  const agreed = price.agreed?.tiers ?? [];
  const listed = price.tiers.filter(({ service_tier }) =>
    // Agreed prices take the place of all that is listed for their service, if one of them is for every prompt.
    agreed.every((tier) => tier.service_tier !== service_tier || tier.above_prompt_tokens > 0),
  );
  const standard = price.tiers.filter(
    (tier) => tier.service_tier === 'standard' && reaches(tier, max_usage.prompt_tokens),
  );
  if (standard.length === 0 || !standard.every(isComplete)) return null;
  const costs = [
    ...agreed.map((tier) => maxCostAt(tier, max_usage, 0)),
    ...listed.map((tier) => maxCostAt(tier, max_usage, markup_basis_points)),
  ];
  const tools = maxCostOfTools(max_usage, price, markup_basis_points);
  return costs.reduce((dearest, cost) => (cost > dearest ? cost : dearest), 0n) + tools;
};

/** Uses of tools at their highest known price. The customer's policy decides about tools without a price. */
const maxCostOfTools = ({ tool_uses }: MaxUsage, { tiers, agreed }: Price, markup: number): Pico =>
  (Object.entries(tool_uses) as [ToolUnit, number][]).reduce((sum, [unit, uses]) => {
    const prices = [
      ...tiers.map((tier) => chargedAt(tier, unit, markup)),
      ...(agreed?.tiers ?? []).map((tier) => chargedAt(tier, unit, 0)),
    ];
    const dearest = prices.reduce<Pico>(
      (max_usage, price) => (price !== null && price > max_usage ? price : max_usage),
      0n,
    );
    return sum + BigInt(uses) * dearest;
  }, 0n);

const INPUTS = unitsOfKind('prompt');
const OUTPUTS = unitsOfKind('completion');

const maxCostAt = (tier: PriceTier, max_usage: MaxUsage, markup: number): Pico => {
  if (!isComplete(tier) || !reaches(tier, max_usage.prompt_tokens)) return 0n;
  const { input, output, image, audio_second, character, request } = dearestUnits(tier);
  const times = (count: number, price: Pico): Pico =>
    price === 0n || count === 0 ? 0n : BigInt(count) * markedUp(price, markup);
  return (
    times(max_usage.prompt_tokens, input) +
    times(max_usage.completion_tokens, output) +
    times(max_usage.images, image) +
    times(max_usage.audio_seconds ?? 0, audio_second) +
    times(max_usage.characters ?? 0, character) +
    times(1, request)
  );
};

type DearestUnits = Readonly<Record<'input' | 'output' | 'image' | 'audio_second' | 'character' | 'request', Pico>>;

// Tiers live as long as the snapshot that they stand in, through thousands of calls.
const dearest_units = new WeakMap<PriceTier, DearestUnits>();

const dearestUnits = (tier: PriceTier): DearestUnits => {
  const known = dearest_units.get(tier);
  if (known !== undefined) return known;
  const units = {
    input: dearestOf(tier, INPUTS),
    output: dearestOf(tier, OUTPUTS),
    image: dearestOf(tier, ['image']),
    audio_second: dearestOf(tier, ['audio_second']),
    character: dearestOf(tier, ['character']),
    request: dearestOf(tier, ['request']),
  };
  dearest_units.set(tier, units);
  return units;
};

const dearestOf = ({ prices }: PriceTier, units: readonly PriceUnit[]): Pico =>
  units.reduce((dearest, unit) => {
    const price = priceOf(prices, unit) ?? 0n;
    return price > dearest ? price : dearest;
  }, 0n);

/** A tier that prices only a part of what calls use prices none. */
const isComplete = ({ prices }: PriceTier): boolean => prices.input_price !== null && prices.output_price !== null;

const BASIS_POINTS = 10_000n;

const markedUp = (unit: Pico, markup_basis_points: number): Pico =>
  markup_basis_points === 0 ? unit : divideHalfEven(unit * (BASIS_POINTS + BigInt(markup_basis_points)), BASIS_POINTS);

/** Price of one unit at a tier, with markup; null if it is unknown. */
const chargedAt = ({ prices }: PriceTier, unit: PriceUnit, markup_basis_points: number): Pico | null => {
  const price = priceOf(prices, unit);
  return price === null ? null : markedUp(price, markup_basis_points);
};

/** Null where a unit has no price. */
const costOf = (units: Units, priceOfUnit: (unit: PriceUnit) => Pico | null): Pico | null => {
  let cost = 0n;
  for (const [unit, count] of Object.entries(units) as [PriceUnit, number][]) {
    const price = priceOfUnit(unit);
    if (price === null) return null;
    cost += BigInt(count) * price;
  }
  return cost;
};
