import { CUSTOMER_HUB, type Link, type Satellite } from './entity.ts';
import type { Registry } from './registry.ts';

/** The links with rows of customers; each relates the customers' hub. */
export const customerLinks = (registry: Registry): Link[] =>
  [...registry.entities.values()].filter(
    (entity): entity is Link => entity.kind === 'link' && entity.owner === 'customer',
  );

/** The satellites with rows of customers, in the order of the registry. */
export const customerSatellites = (registry: Registry): Satellite[] => satellitesOf(registry, 'customer');

/** The satellites with personal data, which an erasure makes unreadable. */
export const personSatellites = (registry: Registry): Satellite[] => satellitesOf(registry, 'person');

const satellitesOf = (registry: Registry, owner: Satellite['owner']): Satellite[] =>
  [...registry.entities.values()].filter(
    (entity): entity is Satellite => entity.kind === 'satellite' && entity.owner === owner,
  );

/**
 * The link that leads from a customer's satellite to the customer: its parent, or the link that begins with its parent;
 * null if the parent is the customers' hub.
 */
export const owningLink = (registry: Registry, { parent }: Satellite): Link | null => {
  if (parent === CUSTOMER_HUB) return null;
  const links = customerLinks(registry);
  return links.find(({ table }) => table === parent) ?? links.find(({ hubs }) => hubs[0]!.table === parent)!;
};
