import table from '../../src/providers/compatible-providers.json' with { type: 'json' };
import type { CatalogModel } from './model.ts';

const nameInPrices = (model: { readonly model: string } | { readonly priced_as: string }): string =>
  'priced_as' in model ? model.priced_as : model.model;

/** Deployments of the OpenAI-compatible providers, from their table; an entry without prices has none. */
export const COMPATIBLE: readonly CatalogModel[] = table.flatMap(({ provider, prices, models }) =>
  (models ?? []).map((model) => ({
    provider,
    ...model,
    priced_as: prices === undefined ? null : ([prices, nameInPrices(model)] as const),
  })),
);
