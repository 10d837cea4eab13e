/**
 * An offer of the catalog that a first start begins with: a model at a provider, and what the price data does not
 * tell of it. To add one, write it into its provider's file here; a provider with many keeps a file of its own, which
 * `models.ts` lists. Names, context windows and dated prices come from the price data, by package. Who changes an
 * entry that was seeded before raises `CATALOG_DATE` in `models.ts`.
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
  /** Where the price data has none, or a wrong one. */
  readonly context_window_tokens?: number;
  /** The provider's own name of the model, where it is another. */
  readonly served_as?: string;
  /** Provider and model as the price data names them, where it names them otherwise; null: it has no price. */
  readonly priced_as?: readonly [provider: string, model: string] | null;
}
