import { priceOf } from '../../catalog/read-price.ts';
import type { PriceRow, TierRow } from '../../catalog/snapshot-queries.ts';
import type { Schema } from '../../http/route.ts';
import { PRICE_UNITS, priceColumn } from '../../pricing/price-units.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import type { Columns, Draft, Input, Resource, Shape } from '../../resources/declaration/resource.ts';
import type { ControlDeps } from '../deps.ts';
import { type PriceTerms, pricePayloads, TIERS } from '../prices/service.ts';
import { flatPrice, UNPRICED } from './flat-price.ts';

const NAME: Schema = { type: 'string', minLength: 1, maxLength: 128, pattern: '^[^\\s\\p{Cc}\\p{Cs}]+$' };
const CAPABILITIES = [
  ...['chat', 'streaming', 'tools', 'vision', 'embeddings', 'images', 'realtime', 'speech', 'transcription'],
];
const AMOUNT: Schema = {
  description: 'US dollars of the usual number of units: a short form of one tier.',
  anyOf: [
    { type: 'null' },
    { type: 'number', minimum: 0, maximum: 1_000_000 },
    { type: 'string', pattern: '^[0-9]{1,7}(\\.[0-9]{1,12})?$' },
  ],
};
const ANY_BODY = ['create', 'update', 'replace'] as const;

const input = (schema: Schema): Input => ({ schema, on: ANY_BODY });

/** Models at providers: with the provider's name of the model, its capabilities and its price. */
export const deployments: Resource<ControlDeps> = {
  kind: 'deployment',
  summary: 'A model as a provider serves it. Prices are US dollars.',
  path: '/deployments',
  aliases: [],
  entity: 'model_provider_l',
  id: ['provider', 'model'],
  satellites: [['model_price_s', 'model_price_tier_s'], 'model_s'],
  references: {
    provider: { hub: 'ai_provider_h', narrow: { pattern: '^[a-z0-9-]{1,100}$', not: { const: 'unknown' } } },
    model: {
      hub: 'model_h',
      is_created: true,
      narrow: { maxLength: 128, pattern: '^[a-z0-9][a-z0-9._:/@-]*$', not: { const: 'unknown' } },
    },
  },
  fields: {
    model_name: 'never',
    model_family: { write: 'always', narrow: { minLength: 1, maxLength: 128, pattern: NAME.pattern } },
    capabilities: {
      write: 'always',
      default: ['chat', 'streaming', 'tools'],
      narrow: { minItems: 1, uniqueItems: true, items: { enum: CAPABILITIES } },
    },
    context_window_tokens: { write: 'always', narrow: { minimum: 1 } },
    max_output_tokens: { write: 'always', narrow: { minimum: 1 } },
    quality_score: 'never',
    is_active: { write: 'never', default: true },
    provider_model_name: { write: 'always', default: null, narrow: NAME },
    price_source: { write: 'never', default: 'administrator' },
    is_offered: { write: 'always', default: true },
    applied_from: { fact: 'applied_from' },
    tiers: { write: 'always', default: UNPRICED, codec: TIERS },
  },
  inputs: {
    served_as: input({ ...NAME, description: 'Old name of provider_model_name.', deprecated: true }),
    family: input({ ...NAME, description: 'Old name of model_family.', deprecated: true }),
    ...Object.fromEntries(PRICE_UNITS.map((unit) => [priceColumn(unit), input(AMOUNT)])),
  },
  filters: ['provider', 'model', 'price_source', 'is_offered', 'capabilities', 'model_family'],
  sorts: ['model', 'provider', 'applied_from'],
  names: {
    ...Object.fromEntries(
      ['create', 'update', 'replace', 'delete'].map((each) => [each, { action: 'model.offer', subject_kind: 'model' }]),
    ),
    list: { action: 'model.list', subject_kind: 'model' },
    read: { action: 'model.read', subject_kind: 'model' },
    history: { action: 'model.read', subject_kind: 'model' },
  },
  end: { columns: { is_offered: false }, is_final: false },
  requires_if_match: true,
  effective_dated: 'read',
  lock: (_id, { model }) => `model/${model}`,
  shape: {
    read: (rows) => ({ ...rows.model_s?.[0], ...termsOf(rows.model_price_s![0]!), tiers: tiersOf(rows) }),
    write: (columns) => ({
      ...(pricePayloads({
        terms: termsOf(columns) as unknown as PriceTerms,
        tiers: columns.tiers as PriceTier[],
      }) as unknown as Shape),
      model_s: [detailsOf(columns)],
    }),
  },
  hooks: {
    validate: async (deps, draft) => {
      if (draft.operation === 'create') await keepKnownDetails(deps, draft);
      readInputs(draft);
      if (draft.before !== null && saysOtherPrice(draft.before, draft.columns)) {
        draft.columns.price_source = 'administrator';
      }
    },
    more_rows: ({ rows }, { hash_key, changed, after }, stamp) =>
      changed.has('model_price_s')
        ? [
            rows.satellite(
              'model_provider_tracking_s',
              hash_key,
              { is_present: after.columns.is_offered === true },
              stamp,
            ),
          ]
        : [],
    event: ({ before, after }) => ({
      before: before === null ? null : presentPrice(before.columns),
      after: { ...detailsOf(after.columns), ...presentPrice(after.columns) },
    }),
  },
};

const termsOf = ({ provider_model_name, price_source, is_offered }: Columns): Columns => ({
  provider_model_name,
  price_source,
  is_offered,
});

const tiersOf = ({ model_price_s, model_price_tier_s = [] }: Shape): PriceTier[] => {
  const tiers = model_price_tier_s.length === 0 ? null : (model_price_tier_s as unknown as TierRow[]);
  const row = { ...model_price_s![0], ...UNDATED, tiers } as unknown as PriceRow;
  return [...priceOf(row).tiers];
};

const UNDATED = { applied_date: '1970-01-01T00:00:00Z', price_version: '', tier_version: null } as const;

const detailsOf = (columns: Columns) => ({
  model_name: columns.model_name,
  model_family: columns.model_family,
  capabilities: columns.capabilities,
  context_window_tokens: columns.context_window_tokens,
  max_output_tokens: columns.max_output_tokens,
  quality_score: columns.quality_score,
  is_active: true,
});

const presentPrice = (columns: Columns): object => ({
  ...termsOf(columns),
  tiers: TIERS.fromColumn(columns.tiers),
});

/** The terms of a price are one whole: a change of one states all of them. */
const saysOtherPrice = (before: Columns, columns: Columns): boolean =>
  JSON.stringify(presentPrice(before)) !== JSON.stringify(presentPrice(columns));

/** Keeps the known details of a model that has other deployments, unless the body states them. */
const keepKnownDetails = async ({ sql, reader, rows }: ControlDeps, draft: Draft): Promise<void> => {
  const model_hk = rows.hubKey('model_h', { model_bk: draft.references.model! });
  const [known] = await reader.current(sql, 'model_s', { hash_keys: [model_hk] });
  if (known === undefined) return;
  const stated = Object.keys(draft.input);
  for (const [name, value] of Object.entries(detailsOf(known as unknown as Columns))) {
    if (!stated.includes(name)) draft.columns[name] = value;
  }
};

/** The short forms of a body: old names, and a flat price instead of tiers. */
const readInputs = ({ input: body, columns, references }: Draft): void => {
  if (body.family !== undefined) columns.model_family = body.family;
  if (body.served_as !== undefined) columns.provider_model_name = body.served_as;
  columns.model_name ??= references.model;
  columns.provider_model_name ??= references.model;
  const price = flatPrice(body);
  if (price !== null) columns.tiers = price;
};
