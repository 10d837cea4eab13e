import type { CustomModel } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import { type Codec, USD } from '../../resources/declaration/codecs.ts';
import type { Draft, Resource } from '../../resources/declaration/resource.ts';
import type { Transaction } from '../../vault/transaction.ts';
import type { ControlDeps } from '../deps.ts';
import { customNames, type KeyModels, refuseModels } from './refuse-models.ts';
import { checkAgain, checkAndSeal } from './seal-provider-key.ts';

// Each call of the customer searches all of them.
const MAX_KEYS = 50;

const NAME = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\u0000\\p{Cs}\\p{Cc}]+$' } as const;

const CUSTOM_MODEL = {
  type: 'object',
  additionalProperties: false,
  required: ['model', 'provider_model', 'base_model'],
  properties: { model: NAME, provider_model: NAME, base_model: NAME },
} as const;

/** A custom model as the API names its parts. */
interface CustomModelBody {
  readonly model: string;
  readonly provider_model: string;
  readonly base_model: string;
}

// The column keeps the names of its first rows.
const CUSTOM_MODELS: Codec = {
  schema: { type: 'array', items: CUSTOM_MODEL },
  toColumn: (value) =>
    (value as readonly CustomModelBody[]).map(
      ({ model, provider_model, base_model }): CustomModel => ({ model, served_as: provider_model, like: base_model }),
    ),
  fromColumn: (value) =>
    (value as readonly CustomModel[]).map(
      ({ model, served_as, like }): CustomModelBody => ({ model, provider_model: served_as, base_model: like }),
    ),
};

const BASE_URL: Codec = {
  schema: { type: 'string', minLength: 1, maxLength: 2_000, pattern: '^[!-~]+$' },
  toColumn: (value) => (value as string).replace(/\/+$/, ''),
  fromColumn: (value) => value,
};

/** Customers' own keys at providers: stored sealed once the provider accepts them, and never shown. */
export const providerKeys: Resource<ControlDeps> = {
  kind: 'provider_key',
  summary: "A customer's own key at a provider, with the limits of its use.",
  path: '/customers/:slug/provider-keys',
  entity: 'customer_provider_keys_h',
  id: 'uuid',
  parent: { param: 'slug', reference: 'customer' },
  scope: 'customer',
  satellites: [['customer_provider_keys_s', 'customer_provider_key_terms_s']],
  references: {
    customer: { hub: 'customer_h', link: 'customer_provider_keys_l' },
    provider: { hub: 'ai_provider_h', link: 'customer_provider_keys_l', narrow: { pattern: '^[a-z0-9-]{1,100}$' } },
  },
  fields: {
    key_hint: { write: 'never', is_logged: false },
    status: { column: 'key_status', write: 'never', default: 'ACTIVE' },
    base_url: { write: 'always', codec: BASE_URL },
    allowed_models: { write: 'always', narrow: { uniqueItems: true, items: NAME } },
    custom_models: { column: 'own_models', write: 'always', default: [], codec: CUSTOM_MODELS },
    daily_spending_limit: { write: 'always', codec: USD },
    monthly_spending_limit: { write: 'always', codec: USD },
    fallback: { write: 'always', default: 'none' },
    last_validated: 'never',
    encryption_key_id: { write: 'never', read: 'secret' },
    created_at: { fact: 'created_at' },
  },
  inputs: {
    api_key: {
      // It travels as a header: visible ASCII without spaces.
      schema: { type: 'string', minLength: 1, maxLength: 2_000, pattern: '^[!-~]+$', writeOnly: true },
      on: ['create', 'update', 'replace'],
      required_on: ['create'],
    },
  },
  filters: ['provider', 'status', 'fallback', 'created_at'],
  sorts: ['created_at', 'provider', 'last_validated'],
  names: {
    update: { action: 'provider_key.replace' },
    replace: { action: 'provider_key.replace' },
    delete: { action: 'provider_key.revoke' },
  },
  end: { columns: { key_status: 'REVOKED' }, is_final: true },
  requires_if_match: true,
  lock: (_id, { customer }) => `provider-keys/${customer}`,
  actions: { validate: { summary: 'Check at the provider that it still accepts the key', run: () => {} } },
  hooks: {
    validate: ({ snapshot }, { operation, columns, references, id, input, before }) => {
      if (operation === 'delete' || operation === 'validate') return;
      const taken = customNames(snapshot(), references.customer!, id.id!);
      refuseModels(snapshot(), references.provider!, columns as unknown as KeyModels, taken);
      if (before !== null && input.api_key === undefined && columns.base_url !== before.base_url) {
        throw invalidField('api_key', 'required', 'Another base_url needs the key that belongs to it.');
      }
    },
    before_write: (deps, draft) => (draft.operation === 'delete' ? undefined : checkKey(deps, draft)),
    check: (_deps, tx, { operation, references }) =>
      operation === 'create' ? refuseMore(tx, references.customer!) : undefined,
  },
};

// Four characters of a shorter key would leave little to guess.
const MIN_HINTED_CHARS = 16;

/** The last four characters of a long enough key. */
const hintOf = (api_key: string): string | null => (api_key.length < MIN_HINTED_CHARS ? null : api_key.slice(-4));

/** The provider checks a new key, and checks an unchanged one again. */
const checkKey = async (deps: ControlDeps, { columns, references, id, input, before }: Draft): Promise<void> => {
  const key = {
    customer: references.customer!,
    id: id.id!,
    provider: references.provider!,
    base_url: columns.base_url as string | null,
  };
  if (typeof input.api_key === 'string') {
    Object.assign(columns, await checkAndSeal(deps, { ...key, api_key: input.api_key }));
    columns.key_hint = hintOf(input.api_key);
  } else {
    columns.last_validated = await checkAgain(deps, { ...key, api_key_encrypted: String(before!.api_key_encrypted) });
  }
};

const refuseMore = async (tx: Transaction, customer: string): Promise<void> => {
  const [row] = await tx<{ held: number }[]>`
    select count(*) as held
    from gateway.customer_provider_keys_l l
    join gateway.customer_h c using (customer_hk)
    join gateway.customer_provider_keys_s_current s using (customer_provider_key_hk)
    where c.customer_bk = ${customer}
      and s.key_status = 'ACTIVE'`;
  if ((row?.held ?? 0) < MAX_KEYS) return;
  throw new OneVaultError('wrong_state', {
    details: `A customer has at most ${MAX_KEYS} provider keys: revoke one first.`,
  });
};
