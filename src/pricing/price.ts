import type { PriceTier } from './prices.ts';

/** A provider's price of a model. */
export interface Price {
  readonly holds_from_ms: number;
  readonly is_offered: boolean;
  readonly provider_model_name: string;
  /** The hash diff of the row in `model_price_s`: which price rated a call. */
  readonly price_version: string;
  /** The hash diff of its set in `model_price_tier_s`; null if it has no set. */
  readonly tier_version: string | null;
  readonly tiers: readonly PriceTier[];
  /** The customer's own price instead; null if it pays this price with its markup. */
  readonly agreed: AgreedPrice | null;
}

/** A customer's own price of a model at a provider. */
export interface AgreedPrice {
  readonly holds_from_ms: number;
  /** False: from here on it pays the provider's price with its markup. */
  readonly is_agreed: boolean;
  /** The hash diff of the set in `customer_price_s`. */
  readonly agreed_version: string;
  readonly tiers: readonly PriceTier[];
}
