import type { Model, Offer } from '../control/snapshot.ts';
import type { GatewayDeps } from './deps.ts';

/** Whether a model can hold a chat: what both endpoints ask of one. */
export const isForChat = ({ capabilities }: Model): boolean => capabilities.includes('chat');

/** Whether an offer's provider is switched on and can be reached from here. */
export const isServed = (
  { snapshot, adapters, upstreams }: Pick<GatewayDeps, 'snapshot' | 'adapters' | 'upstreams'>,
  offer: Offer,
): boolean => {
  const provider = snapshot().providers.get(offer.provider);
  return (
    provider?.is_active === true &&
    Object.hasOwn(adapters, provider.protocol) &&
    Object.hasOwn(upstreams, offer.provider)
  );
};
