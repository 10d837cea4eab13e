import type { Price } from '../control/snapshot.ts';
import { divideHalfEven, type Pico } from '../core/money.ts';
import type { Usage } from '../providers/chat-form.ts';

/** What a call costs, in pico-dollars; null amounts where the model has no price for what was used. */
export interface Rating {
  readonly rating: 'RATED' | 'UNPRICED' | 'NONE';
  readonly provider_cost: Pico | null;
  readonly gateway_markup: Pico | null;
  readonly customer_cost: Pico | null;
  readonly price_version: string | null;
}

/** A call that used nothing: refused, or failed before a provider produced anything. */
export const NOTHING_USED: Rating = {
  rating: 'NONE',
  provider_cost: 0n,
  gateway_markup: 0n,
  customer_cost: 0n,
  price_version: null,
};

const UNPRICED: Rating = {
  rating: 'UNPRICED',
  provider_cost: null,
  gateway_markup: null,
  customer_cost: null,
  price_version: null,
};

/**
 * Rates a call's usage.
 * @param markup_basis_points the customer's markup: 2000 is 20 %. It raises each unit price, rounded half to
 *   even to the pico-dollar, so that a call's cost is an exact sum of tokens × integer prices.
 */
export const rate = (usage: Usage, price: Price | null, markup_basis_points: number): Rating => {
  if (price === null) return UNPRICED;
  const provider_cost = costOf(usage, price, (unit) => unit);
  const customer_cost = costOf(usage, price, (unit) => markedUp(unit, markup_basis_points));
  if (provider_cost === null || customer_cost === null)
    return { ...UNPRICED, price_version: price.price_version };
  return {
    rating: 'RATED',
    provider_cost,
    gateway_markup: customer_cost - provider_cost,
    customer_cost,
    price_version: price.price_version,
  };
};

/**
 * What a call could cost the customer at most, or null when it is unpriced.
 * @param prompt_tokens an upper bound
 * @param completion_tokens an upper bound
 */
export const worstCost = (
  prompt_tokens: number,
  completion_tokens: number,
  price: Price,
  markup_basis_points: number,
): Pico | null => {
  if (price.input_price === null || price.output_price === null) return null;
  const input = dearest(price.input_price, price.cache_write_price, price.cached_input_price);
  const output = dearest(price.output_price, price.reasoning_price);
  return (
    BigInt(prompt_tokens) * markedUp(input, markup_basis_points) +
    BigInt(completion_tokens) * markedUp(output, markup_basis_points) +
    markedUp(price.request_price ?? 0n, markup_basis_points)
  );
};

const BASIS_POINTS = 10_000n;

const markedUp = (unit: Pico, markup_basis_points: number): Pico =>
  divideHalfEven(unit * (BASIS_POINTS + BigInt(markup_basis_points)), BASIS_POINTS);

const dearest = (first: Pico, ...others: readonly (Pico | null)[]): Pico =>
  others.reduce<Pico>((most, each) => (each !== null && each > most ? each : most), first);

const costOf = (usage: Usage, price: Price, unitPrice: (unit: Pico) => Pico): Pico | null => {
  const { input_price, output_price } = price;
  if (input_price === null || output_price === null) return null;
  const times = (tokens: number, unit: Pico): Pico => BigInt(tokens) * unitPrice(unit);
  return (
    times(usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens, input_price) +
    times(usage.cached_tokens, price.cached_input_price ?? input_price) +
    times(usage.cache_write_tokens, price.cache_write_price ?? input_price) +
    times(usage.completion_tokens - usage.reasoning_tokens, output_price) +
    times(usage.reasoning_tokens, price.reasoning_price ?? output_price) +
    unitPrice(price.request_price ?? 0n)
  );
};
