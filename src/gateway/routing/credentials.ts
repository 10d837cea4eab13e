import type { Customer, CustomModel, Model, ProviderKey, Snapshot } from '../../catalog/snapshot.ts';
import type { Upstream } from '../../providers/contract.ts';
import type { Candidate } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

type Reach = Pick<GatewayDeps, 'snapshot' | 'upstreams' | 'key_endpoint'>;

/** What an offer, or a model of the customer's own, is asked for. */
interface Wanted {
  readonly model: string;
  readonly provider: string;
}

/**
 * With whose key a customer's call can go to a provider, the first choice first: the customer's own, which is a
 * ProviderKey, before the operator's, which is null. The operator's stands behind it only where the customer allows.
 */
export const credentialsOf = (
  deps: Reach,
  { customer }: Customer,
  { model, provider }: Wanted,
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

/** A model of a customer's own, as the catalog would have it. */
export interface FoundOwnModel {
  readonly key: ProviderKey;
  readonly own: CustomModel;
  /** The abilities of the model that it is like, and that one's prices: those at the key's provider where it offers it. */
  readonly model: Model;
}

/** The models of a customer's own that can be asked for now. */
export const customModelsOf = (deps: Reach, { customer }: Customer): readonly FoundOwnModel[] => {
  const { models, provider_keys } = deps.snapshot();
  return (provider_keys.get(customer) ?? []).flatMap((key) =>
    key.own_models.flatMap((own) => {
      const like = models.get(own.like);
      const deployment = like?.deployments.find(({ provider }) => provider === key.provider) ?? like?.deployments[0];
      if (like === undefined || deployment === undefined || baseUrlOf(deps, key) === null) return [];
      const deployments = [{ ...deployment, provider: key.provider }];
      return [{ key, own, model: { ...like, model: own.model, deployments } }];
    }),
  );
};

/** Where a candidate is called, and with which key. @throws OneVaultError provider_key_unavailable */
export const upstreamOf = async (
  deps: Reach & Pick<GatewayDeps, 'provider_keys'>,
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

/** Whether a key still is what it was when the call was routed: neither revoked nor rotated. */
export const isHeld = ({ provider_keys }: Snapshot, key: ProviderKey): boolean =>
  provider_keys
    .get(key.customer)
    ?.some(({ provider_key, key_version }) => provider_key === key.provider_key && key_version === key.key_version) ===
  true;

const baseUrlOf = ({ key_endpoint }: Reach, { base_url, provider }: ProviderKey): string | null =>
  base_url ?? key_endpoint.baseUrlOf(provider);
