import { agreedPriceOf } from '../../catalog/read-price.ts';
import type { TierRow } from '../../catalog/snapshot-queries.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { PriceTier } from '../../pricing/prices.ts';
import type { Resource, State } from '../../resources/declaration/resource.ts';
import type { ControlDeps } from '../deps.ts';
import { tierContent } from './price-rows.ts';
import { NO_PRICES, TIERS } from './price-tiers.ts';

// A set has at least one row, so an agreement that has ended is a tier without prices.
const ENDED: PriceTier = {
  tier: 0,
  service_tier: 'standard',
  above_prompt_tokens: 0,
  daily_from_s: null,
  daily_until_s: null,
  prices: NO_PRICES,
};

/** Agreed prices of a customer, instead of the provider's with its markup; each holds from its own date. */
export const customerPrices: Resource<ControlDeps> = {
  kind: 'customer_price',
  summary: "The agreed price of a customer for a model at a provider, instead of the provider's price with markup.",
  path: '/customers/:slug/prices',
  entity: 'customer_price_l',
  id: ['provider', 'model'],
  parent: { param: 'slug', reference: 'customer' },
  scope: 'customer',
  satellites: ['customer_price_s'],
  references: {
    customer: { hub: 'customer_h' },
    provider: { hub: 'ai_provider_h' },
    model: { hub: 'model_h' },
  },
  fields: {
    applied_from: { fact: 'applied_from' },
    is_agreed: { write: 'never', default: true },
    agreement: { write: 'always', narrow: { minLength: 1 }, is_free_text: true },
    tiers: { write: 'always', codec: TIERS },
    agreed_version: { fact: 'version' },
  },
  filters: ['provider', 'model', 'is_agreed'],
  sorts: ['provider', 'model', 'applied_from'],
  operations: ['list', 'read', 'replace', 'delete', 'history'],
  names: {
    list: { subject_kind: 'customer' },
    read: { subject_kind: 'customer' },
    replace: { action: 'customer_price.write', subject_kind: 'customer' },
    delete: { action: 'customer_price.end', subject_kind: 'customer' },
    history: { subject_kind: 'customer' },
  },
  end: { columns: { is_agreed: false }, is_final: false },
  requires_if_match: true,
  effective_dated: 'written',
  subject: (_id, { customer }) => customer!,
  lock: ({ provider, model }, { customer }) => `customer price/${customer}/${provider}/${model}`,
  shape: {
    read: ({ customer_price_s: rows = [] }) => {
      const { is_agreed = true, agreement = null } = rows[0] ?? {};
      const { tiers } = agreedPriceOf({ ...UNNAMED, tiers: rows as unknown as TierRow[] });
      return { is_agreed, agreement, tiers: is_agreed === true ? tiers : [] };
    },
    write: ({ is_agreed, agreement, tiers }) => ({
      customer_price_s: (is_agreed === true ? (tiers as readonly PriceTier[]) : [ENDED]).map((tier) => ({
        ...tierContent(tier),
        is_agreed,
        agreement: is_agreed === true ? agreement : null,
      })),
    }),
  },
  hooks: {
    validate: ({ snapshot }, { operation, columns, references: { provider, model } }) => {
      if (operation === 'delete') return;
      columns.is_agreed = true;
      const deployments = snapshot().models.get(model!)?.deployments ?? [];
      if (deployments.some((each) => each.provider === provider)) return;
      throw new OneVaultError('not_found', {
        details: `There is no model ${model} at a provider ${provider}: GET /v1/ai/models lists the existing ones.`,
      });
    },
    // The vault has the prices themselves, under their version.
    event: ({ draft: { references }, before, after }) => ({
      before: before === null ? null : { ...references, ...statement(before) },
      after: { ...references, ...statement(after) },
    }),
  },
};

const UNNAMED = {
  ...{ row_key: '', customer: '', model: '', provider: '', applied_date: '1970-01-01T00:00:00Z' },
  ...{ agreed_version: '', is_agreed: true, agreement: null },
} as const;

const statement = ({ applied_from, version, columns: { is_agreed } }: State) => ({
  applied_from,
  is_agreed,
  agreed_version: version,
});
