import { OneVaultError } from '../../core/errors.ts';
import { invalidField } from '../../http/faults.ts';
import type { ControlRequest, EventDraft } from '../../resources/serving/control-route.ts';
import { save } from '../../resources/writing/save.ts';
import type { Transaction } from '../../vault/transaction.ts';
import { type ContextHandler, pageOf } from '../context-handler.ts';
import type { ControlDeps } from '../deps.ts';
import { findProviderKey, listKeysOf, type ProviderKeyRow, present, tellable } from './find-provider-keys.ts';
import {
  type ChangedProviderKey,
  hintOf,
  type KeyDetails,
  limitsOf,
  type NewProviderKey,
  refuseModels,
  termsOf,
} from './read-provider-key.ts';
import { lockKeysOf, newRows, saveChange, stateOf, stateRows } from './save-provider-key.ts';
import { checkAgain, checkAndSeal } from './seal-provider-key.ts';

// Each call of the customer looks through them.
const MOST_KEYS = 50;

/** `POST /customers/{slug}/provider-keys`. The key is taken once its provider has accepted it, and never shown. */
export const createProviderKey = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx.params.slug as string, draft);
    const { provider, api_key, ...input } = ctx.state.body as NewProviderKey;
    refuseUnknownProvider(deps, provider);
    refuseModels(deps.snapshot(), provider, input, ownNames(deps, customer, null));
    const terms = termsOf(input, hintOf(api_key));
    const limits = limitsOf(input);
    const id = deps.nextId();
    draft.about(id);
    const sealed = await checkAndSeal(deps, { customer, id, provider, api_key, base_url: terms.base_url });
    const details: KeyDetails = { ...sealed, ...limits, key_status: 'ACTIVE' };
    const state = { details, terms };
    await save(deps, async (stamp, tx) => {
      await lockKeysOf(tx, customer);
      await refuseMore(tx, customer);
      return {
        rows: [...newRows(deps, id, customer, provider, stamp), ...stateRows(deps, id, state, stamp)],
        events: [draft.change(null, { customer, provider, ...tellable(state) })],
      };
    });
    ctx.status = 201;
    ctx.body = present(await findProviderKey(deps, customer, id));
  };
};

/**
 * `PUT /customers/{slug}/provider-keys/{id}`: says anew all that is said of a key; with `api_key`, another one takes
 * its place. Either way the provider is asked again.
 */
export const replaceProviderKey = (deps: ControlDeps): ContextHandler => {
  return async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx.params.slug as string, draft);
    const id = ctx.params.id as string;
    draft.about(id);
    const { api_key: given, ...input } = ctx.state.body as ChangedProviderKey;
    const before = await findProviderKey(deps, customer, id);
    refuseRevoked(before);
    refuseModels(deps.snapshot(), before.provider, input, ownNames(deps, customer, id));
    const terms = termsOf(input, given === undefined ? before.key_hint : hintOf(given));
    if (given === undefined && terms.base_url !== before.base_url) {
      throw invalidField('api_key', 'required', 'Another base_url needs the key that belongs to it.');
    }
    const limits = limitsOf(input);
    const { provider } = before;
    const wanted = { customer, id, provider, base_url: terms.base_url };
    const sealed =
      given === undefined ? await checkAgain(deps, before) : await checkAndSeal(deps, { ...wanted, api_key: given });
    const details: KeyDetails = { ...sealed, ...limits, key_status: 'ACTIVE' };
    await saveChange(deps, {
      customer,
      id,
      change: (current) => {
        if (current.hash_diff !== before.hash_diff) throw changedMeanwhile();
        return { details, terms };
      },
      tell: (old, state) => draft.change(tellable(old), tellable(state)),
    });
    ctx.body = present(await findProviderKey(deps, customer, id));
  };
};

/** `DELETE /customers/{slug}/provider-keys/{id}`: revokes. Revoking again changes nothing. */
export const revokeProviderKey =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx.params.slug as string, draft);
    const id = ctx.params.id as string;
    draft.about(id);
    await saveChange(deps, {
      customer,
      id,
      change: (current) => {
        if (current.key_status === 'REVOKED') return null;
        const { details, terms } = stateOf(current);
        return { details: { ...details, key_status: 'REVOKED' }, terms };
      },
      tell: (old, state) => draft.change(tellable(old), tellable(state)),
    });
    ctx.body = present(await findProviderKey(deps, customer, id));
  };

/** `GET /customers/{slug}/provider-keys/{id}`. */
export const getProviderKey =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx.params.slug as string, draft);
    draft.about(ctx.params.id as string);
    ctx.body = present(await findProviderKey(deps, customer, ctx.params.id as string));
  };

/** `GET /customers/{slug}/provider-keys?limit=&after=`, by id, which is by age. */
export const listProviderKeys =
  (deps: ControlDeps): ContextHandler =>
  async (ctx, draft) => {
    const customer = knownCustomer(deps, ctx.params.slug as string, draft);
    const page = pageOf(ctx);
    const rows = await listKeysOf(deps, customer, page);
    ctx.body = { data: rows.map(present), next: rows.length === page.limit ? rows.at(-1)!.id : null };
  };

const knownCustomer = ({ snapshot }: ControlDeps, slug: string, draft: EventDraft): string => {
  if (!snapshot().customers.has(slug)) {
    throw new OneVaultError('not_found', { details: `There is no customer ${slug}.` });
  }
  draft.shows([slug]);
  return slug;
};

/** @throws OneVaultError not_found */
export const refuseUnknownCustomer = (
  deps: ControlDeps,
  { params, draft }: Pick<ControlRequest, 'params' | 'draft'>,
): void => void knownCustomer(deps, params.slug!, draft);

const refuseUnknownProvider = ({ snapshot }: ControlDeps, provider: string): void => {
  const { providers } = snapshot();
  if (providers.has(provider)) return;
  const message = `There is no provider ${provider}; there are ${[...providers.keys()].sort().join(', ')}.`;
  throw invalidField('provider', 'unknown_reference', message);
};

const refuseRevoked = ({ id, key_status }: ProviderKeyRow): void => {
  if (key_status === 'ACTIVE') return;
  throw new OneVaultError('wrong_state', { details: `The key ${id} was revoked: add another one.` });
};

const refuseMore = async (tx: Transaction, customer: string): Promise<void> => {
  const [row] = await tx<{ held: number }[]>`
    select count(*) as held
    from gateway.customer_provider_keys_l l
    join gateway.customer_h c using (customer_hk)
    join gateway.customer_provider_keys_s_current s using (customer_provider_key_hk)
    where c.customer_bk = ${customer}
      and s.key_status = 'ACTIVE'`;
  if ((row?.held ?? 0) < MOST_KEYS) return;
  throw new OneVaultError('wrong_state', {
    details: `A customer has ${MOST_KEYS} provider keys at most: revoke one first.`,
  });
};

const changedMeanwhile = (): OneVaultError =>
  new OneVaultError('already_exists', {
    details: 'The key was changed by somebody else meanwhile: look at it and try again.',
  });

const ownNames = ({ snapshot }: ControlDeps, customer: string, but: string | null): ReadonlySet<string> =>
  new Set(
    (snapshot().provider_keys.get(customer) ?? [])
      .filter(({ provider_key }) => provider_key !== but)
      .flatMap(({ own_models }) => own_models.map(({ model }) => model)),
  );
