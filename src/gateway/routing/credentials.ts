import type { Customer, CustomModel, Model, ProviderKey, Snapshot } from '../../catalog/snapshot.ts';
import type { Upstream } from '../../providers/contract.ts';
import type { Candidate } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

type CredentialDeps = Pick<GatewayDeps, 'snapshot' | 'upstreams' | 'key_endpoint'>;

/** A model at a provider. */
interface ModelAtProvider {
  readonly model: string;
  readonly provider: string;
}

/**
 * Credentials for a customer's call to a provider, first choice first: the customer's own provider key, then null for
 * the operator's key. With an own key, the operator's key follows only if the customer allows it.
 */
export const credentialsOf = (
  deps: CredentialDeps,
  { customer }: Customer,
  { model, provider }: ModelAtProvider,
): readonly (ProviderKey | null)[] => {
  const own = deps
    .snapshot()
    .provider_keys.get(customer)
    ?.find(
      (key) =>
        key.provider === provider &&
        (key.allowed_models === null || key.allowed_models.includes(model)) &&
        baseUrlOf(deps, key) !== null,
    );
  const platform = Object.hasOwn(deps.upstreams, provider) ? [null] : [];
  if (own === undefined) return platform;
  return own.fallback === 'platform' ? [own, ...platform] : [own];
};

/** A customer's custom model in the catalog's form. */
export interface FoundCustomModel {
  readonly key: ProviderKey;
  readonly custom_model: CustomModel;
  /** Capabilities and prices of the base model; the prices of the key's provider if it serves the base model. */
  readonly model: Model;
}

/** Custom models of a customer that can be called now. */
export const customModelsOf = (deps: CredentialDeps, { customer }: Customer): readonly FoundCustomModel[] => {
  const { models, provider_keys } = deps.snapshot();
  return (provider_keys.get(customer) ?? []).flatMap((key) =>
    key.own_models.flatMap((custom_model) => {
      const base_model = models.get(custom_model.like);
      const deployment =
        base_model?.deployments.find(({ provider }) => provider === key.provider) ?? base_model?.deployments[0];
      if (base_model === undefined || deployment === undefined || baseUrlOf(deps, key) === null) return [];
      const deployments = [{ ...deployment, provider: key.provider }];
      return [{ key, custom_model, model: { ...base_model, model: custom_model.model, deployments } }];
    }),
  );
};

/**
 * Base URL, key and limits for a call to a candidate.
 * @throws OneVaultError provider_key_unavailable
 */
export const upstreamOf = async (
  deps: CredentialDeps & Pick<GatewayDeps, 'provider_keys'>,
  { deployment, provider_key }: Pick<Candidate, 'deployment' | 'provider_key'>,
): Promise<Upstream> => {
  if (provider_key === null) return deps.upstreams[deployment.provider]!;
  return {
    base_url: baseUrlOf(deps, provider_key)!,
    api_key: await deps.provider_keys.open(provider_key),
    limits: deps.key_endpoint.limits,
    is_guarded: provider_key.base_url !== null,
  };
};

/** True if the key was neither revoked nor rotated since the call was routed. */
export const isCurrentKey = ({ provider_keys }: Snapshot, key: ProviderKey): boolean =>
  provider_keys
    .get(key.customer)
    ?.some(({ provider_key, key_version }) => provider_key === key.provider_key && key_version === key.key_version) ===
  true;

const baseUrlOf = ({ key_endpoint }: CredentialDeps, { base_url, provider }: ProviderKey): string | null =>
  base_url ?? key_endpoint.baseUrlOf(provider);
