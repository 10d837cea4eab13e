import type { Deployment, Model } from '../../catalog/snapshot.ts';
import type { ProviderAdapter } from '../../providers/contract.ts';
import type { GatewayDeps } from '../deps.ts';

/** By capability of a model: true if a provider's adapter supports it. */
const CAPABILITIES: Readonly<Record<string, (adapter: ProviderAdapter) => boolean>> = {
  chat: () => true,
  embeddings: ({ embeddings }) => embeddings !== undefined,
  images: ({ images }) => images !== undefined,
  realtime: ({ realtime }) => realtime !== undefined,
  speech: ({ passthroughs }) => Object.hasOwn(passthroughs, 'openai-speech'),
  transcription: ({ passthroughs }) => Object.hasOwn(passthroughs, 'openai-transcriptions'),
};

/** The adapter of a deployment's provider; null if the provider is switched off or has an unknown protocol. */
export const adapterOf = (
  { snapshot, adapters }: Pick<GatewayDeps, 'snapshot' | 'adapters'>,
  deployment: Pick<Deployment, 'provider'>,
): ProviderAdapter | null => {
  const provider = snapshot().providers.get(deployment.provider);
  if (provider?.is_active !== true) return null;
  // A provider with a compatibility profile has its own adapter.
  const name = [deployment.provider, provider.protocol].find((each) => Object.hasOwn(adapters, each));
  return name === undefined ? null : adapters[name]!;
};

/** True if the adapter supports at least one of the model's capabilities. */
export const canServe = (model: Model, adapter: ProviderAdapter): boolean =>
  model.capabilities.some(
    (capability) => Object.hasOwn(CAPABILITIES, capability) && CAPABILITIES[capability]!(adapter),
  );
