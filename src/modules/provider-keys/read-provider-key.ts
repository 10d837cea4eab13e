import type { CustomModel, Snapshot } from '../../catalog/snapshot.ts';
import { picoFromUsd, usdFromPico } from '../../core/money.ts';
import { invalidField } from '../../http/faults.ts';
import type { Content } from '../../vault/rows.ts';
import schema from './provider-key.schema.json' with { type: 'json' };

type Amount = number | string | null;

/** What may be said of a key at any time. */
interface KeyTerms {
  readonly base_url?: string | null;
  readonly allowed_models?: string[] | null;
  readonly own_models?: CustomModel[];
  readonly daily_spending_limit?: Amount;
  readonly monthly_spending_limit?: Amount;
  readonly fallback?: 'none' | 'platform';
}

export interface NewProviderKey extends KeyTerms {
  readonly provider: string;
  readonly api_key: string;
}

/** Without `api_key`: the one that is there stays. */
export interface ChangedProviderKey extends KeyTerms {
  readonly api_key?: string;
}

const { provider: _provider, ...CHANGEABLE } = schema.properties;

export const NEW_KEY_SCHEMA = schema;
export const CHANGED_KEY_SCHEMA = { ...schema, title: 'ChangedProviderKey', properties: CHANGEABLE, required: [] };

export type KeyDetails = Content<'customer_provider_keys_s'>;
export type TermsDetails = Content<'customer_provider_key_terms_s'>;

/** The limits of a key, in pico-dollars, and its models. @throws OneVaultError validation_error */
export const limitsOf = (
  input: KeyTerms,
): Pick<KeyDetails, 'daily_spending_limit' | 'monthly_spending_limit' | 'allowed_models'> => ({
  daily_spending_limit: picoText('daily_spending_limit', input.daily_spending_limit ?? null),
  monthly_spending_limit: picoText('monthly_spending_limit', input.monthly_spending_limit ?? null),
  allowed_models: input.allowed_models ?? null,
});

/** @param key_hint null where the key stays: the hint of before is kept then */
export const termsOf = (input: KeyTerms, key_hint: string | null): TermsDetails => ({
  base_url: input.base_url?.replace(/\/+$/, '') ?? null,
  key_hint,
  own_models: input.own_models ?? [],
  fallback: input.fallback ?? 'none',
});

// Four characters of less would leave little to guess.
const LEAST_HINTED_CHARS = 16;

/** The last four characters of a key that is long enough to show them. */
export const hintOf = (api_key: string): string | null =>
  api_key.length < LEAST_HINTED_CHARS ? null : api_key.slice(-4);

/**
 * Refuses models that could never be asked for: those the provider does not offer, and own ones whose name is taken,
 * or that are like none.
 * @param taken names of the customer's other own models
 * @throws OneVaultError validation_error
 */
export const refuseModels = (
  snapshot: Snapshot,
  provider: string,
  { allowed_models, own_models }: KeyTerms,
  taken: ReadonlySet<string>,
): void => {
  const isOffered = (model: string): boolean =>
    snapshot.models.get(model)?.deployments.some((deployment) => deployment.provider === provider) === true;
  for (const [index, model] of (allowed_models ?? []).entries()) {
    if (!isOffered(model)) throw notOffered(`allowed_models[${index}]`, model, provider);
  }
  const seen = new Set(taken);
  for (const [index, { model, like }] of (own_models ?? []).entries()) {
    if ((snapshot.models.get(like)?.deployments.length ?? 0) === 0) {
      const message = `There is no model ${like}; GET /v1/models lists what there is.`;
      throw invalidField(`own_models[${index}].like`, 'unknown_reference', message);
    }
    if (snapshot.models.has(model) || seen.has(model)) {
      const message = `${model} is the name of another model already: choose one of your own.`;
      throw invalidField(`own_models[${index}].model`, 'taken', message);
    }
    seen.add(model);
  }
};

const notOffered = (field: string, model: string, provider: string): Error =>
  invalidField(field, 'unknown_reference', `${provider} does not offer ${model}; GET /v1/models lists what there is.`);

const picoText = (param: string, amount: Amount): string | null => {
  if (amount === null) return null;
  try {
    return picoFromUsd(amount).toString();
  } catch (cause) {
    throw invalidField(param, 'format', (cause as Error).message);
  }
};

export const usdText = (pico: string | null): string | null => (pico === null ? null : usdFromPico(BigInt(pico)));
