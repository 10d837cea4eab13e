import type { Model, Offer } from '../control/snapshot.ts';
import type { ProviderAdapter } from '../providers/contract.ts';
import type { GatewayDeps } from './deps.ts';

/** Whether a model can hold a chat. */
export const isForChat = ({ capabilities }: Model): boolean => capabilities.includes('chat');

/** The adapter of an offer's provider; null where that is switched off or cannot be reached from here. */
export const adapterOf = (
  { snapshot, adapters, upstreams }: Pick<GatewayDeps, 'snapshot' | 'adapters' | 'upstreams'>,
  offer: Offer,
): ProviderAdapter | null => {
  const provider = snapshot().providers.get(offer.provider);
  const is_served =
    provider?.is_active === true &&
    Object.hasOwn(adapters, provider.protocol) &&
    Object.hasOwn(upstreams, offer.provider);
  return is_served ? adapters[provider.protocol]! : null;
};
