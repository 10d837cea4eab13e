import type { Deployment, Model } from '../../catalog/snapshot.ts';
import type { ProviderAdapter } from '../../providers/contract.ts';
import type { GatewayDeps } from '../deps.ts';

/** What calls may ask of a model, as its capabilities name it, and whether a provider's adapter can do it. */
const KINDS: Readonly<Record<string, (adapter: ProviderAdapter) => boolean>> = {
  chat: () => true,
  embeddings: ({ embeddings }) => embeddings !== undefined,
  images: ({ images }) => images !== undefined,
  realtime: ({ realtime }) => realtime !== undefined,
};

/** The adapter of an offer's provider; null where that is switched off or speaks what we do not. */
export const adapterOf = (
  { snapshot, adapters }: Pick<GatewayDeps, 'snapshot' | 'adapters'>,
  deployment: Pick<Deployment, 'provider'>,
): ProviderAdapter | null => {
  const provider = snapshot().providers.get(deployment.provider);
  if (provider?.is_active !== true) return null;
  // A provider that speaks a protocol in a dialect of its own has an adapter of its own.
  const name = [deployment.provider, provider.protocol].find((each) => Object.hasOwn(adapters, each));
  return name === undefined ? null : adapters[name]!;
};

/** Whether a provider can do something that calls ask of the model. */
export const canServe = (model: Model, adapter: ProviderAdapter): boolean =>
  model.capabilities.some((capability) => Object.hasOwn(KINDS, capability) && KINDS[capability]!(adapter));
