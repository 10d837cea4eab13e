/** A price in pico-dollars of one unit, and the page that states it. */
export interface OwnPrice {
  readonly unit: 'audio_second' | 'character';
  readonly pico: string;
  readonly source: string;
}

/**
 * A deployment of a first start: a model at a provider, and its facts that the price data does not have. Add one to its
 * provider's file here; a provider with many has a file of its own, which `catalog.ts` lists. Names, context windows and
 * dated prices come from the price data package. Raise `CATALOG_DATE` in `catalog.ts` to change a seeded entry.
 */
export interface CatalogModel {
  readonly provider: string;
  readonly model: string;
  readonly family: string;
  /** Default: chat. */
  readonly kind?: 'embeddings' | 'images' | 'realtime' | 'speech' | 'transcription';
  /** From the provider's model page: the price data has none. */
  readonly max_output_tokens?: number;
  readonly vision?: boolean;
  /** For models that the price data lacks, or has wrong. */
  readonly context_window_tokens?: number;
  /** The provider's own name of the model, where it is another. */
  readonly served_as?: string;
  /** Provider and model as the price data names them, where it names them otherwise; null: it has no price. */
  readonly priced_as?: readonly [provider: string, model: string] | null;
  /** The price of a model that is charged by the second or by the character, which the price data does not have. */
  readonly own_price?: OwnPrice;
}
