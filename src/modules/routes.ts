import Router from '@koa/router';
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from './api-keys/api-keys.ts';
import { listEntries } from './audit-log/audit-entries.ts';
import { listEvents } from './audit-log/audit-events.ts';
import { addCosignatures, getCheckpoint, getConsistency, getKeys } from './audit-log/audit-log.ts';
import { getProof } from './audit-log/audit-proof.ts';
import { audited, type ControlRoute } from './audited.ts';
import type { Scope } from './caller.ts';
import { changeCustomer } from './customers/change-customer.ts';
import { createCustomer, getCustomer, listCustomers } from './customers/customers.ts';
import { listOffers, offerModel } from './deployments/deployments.ts';
import type { ControlDeps } from './deps.ts';
import { deleteCustomerPrice, listCustomerPrices, putCustomerPrice } from './prices/customer-prices.ts';
import { getContact, getContactHistory, putContact } from './privacy/contacts.ts';
import { getErasureProof } from './privacy/erasure-proof.ts';
import { deleteHold, getErasure, getExport, getHolds, postErasure, postHold } from './privacy/privacy-routes.ts';
import {
  createProviderKey,
  getProviderKey,
  listProviderKeys,
  replaceProviderKey,
  revokeProviderKey,
} from './provider-keys/provider-keys.ts';
import { getRequest } from './requests/requests.ts';
import { getEntity, getHistory, listEntities } from './vault/vault.ts';

const WRITERS: readonly Scope[] = ['admin'];
const READERS: readonly Scope[] = ['admin', 'auditor'];
const CUSTOMERS: readonly Scope[] = ['admin', 'auditor', 'calls'];
// Witnesses and whoever verifies need no key of ours: a log that only its customers can read could show each another
// one. What stands there is signed, and tells sizes, hashes and public keys.
const ANYBODY = null;

const route = (
  [method, path]: readonly [ControlRoute['method'], string],
  scopes: ControlRoute['scopes'],
  [action, subject_kind]: readonly [string, string],
  serve: ControlRoute['serve'],
): ControlRoute => ({ method, path, scopes, action, subject_kind, serve });

/** The control plane's paths, who is let in, and what the audit log calls it. */
export const CONTROL_ROUTES: readonly ControlRoute[] = [
  route(['post', '/customers'], WRITERS, ['customer.create', 'customer'], createCustomer),
  route(['get', '/customers'], READERS, ['customer.list', 'customer'], listCustomers),
  route(['get', '/customers/:slug'], READERS, ['customer.read', 'customer'], getCustomer),
  route(['patch', '/customers/:slug'], WRITERS, ['customer.change', 'customer'], changeCustomer),
  route(['post', '/api-keys'], WRITERS, ['api_key.create', 'api_key'], createApiKey),
  route(['get', '/api-keys'], READERS, ['api_key.list', 'api_key'], listApiKeys),
  route(['get', '/api-keys/:id'], READERS, ['api_key.read', 'api_key'], getApiKey),
  route(['delete', '/api-keys/:id'], WRITERS, ['api_key.revoke', 'api_key'], revokeApiKey),
  route(['post', '/models'], WRITERS, ['model.offer', 'model'], offerModel),
  route(['get', '/models'], READERS, ['model.list', 'model'], listOffers),
  route(['get', '/requests/:request_id'], READERS, ['request.read', 'request'], getRequest),
  route(['get', '/vault/entities'], READERS, ['vault.list', 'entity'], listEntities),
  route(['get', '/vault/:entity/:business_key'], READERS, ['vault.read', 'entity'], getEntity),
  route(['get', '/vault/:entity/:business_key/history'], READERS, ['vault.read', 'entity'], getHistory),
  route(['put', '/customers/:slug/contact'], WRITERS, ['contact.write', 'customer'], putContact),
  route(['get', '/customers/:slug/contact'], WRITERS, ['contact.read', 'customer'], getContact),
  route(['get', '/customers/:slug/contact/history'], WRITERS, ['contact.read', 'customer'], getContactHistory),
  route(['post', '/privacy/erasures'], WRITERS, ['privacy.erase', 'customer'], postErasure),
  route(['get', '/privacy/erasures/:id'], READERS, ['privacy.read', 'erasure'], getErasure),
  route(['get', '/privacy/erasures/:id/proof'], READERS, ['privacy.prove', 'erasure'], getErasureProof),
  route(['post', '/privacy/holds'], WRITERS, ['privacy.hold', 'customer'], postHold),
  route(['get', '/privacy/holds'], READERS, ['privacy.list', 'legal_hold'], getHolds),
  route(['delete', '/privacy/holds/:id'], WRITERS, ['privacy.release', 'legal_hold'], deleteHold),
  route(['get', '/privacy/exports/:subject'], WRITERS, ['privacy.export', 'customer'], getExport),
  route(
    ['post', '/customers/:slug/provider-keys'],
    WRITERS,
    ['provider_key.create', 'provider_key'],
    createProviderKey,
  ),
  route(['get', '/customers/:slug/provider-keys'], READERS, ['provider_key.list', 'provider_key'], listProviderKeys),
  route(['get', '/customers/:slug/provider-keys/:id'], READERS, ['provider_key.read', 'provider_key'], getProviderKey),
  route(
    ['put', '/customers/:slug/provider-keys/:id'],
    WRITERS,
    ['provider_key.replace', 'provider_key'],
    replaceProviderKey,
  ),
  route(
    ['delete', '/customers/:slug/provider-keys/:id'],
    WRITERS,
    ['provider_key.revoke', 'provider_key'],
    revokeProviderKey,
  ),
  route(
    ['put', '/customers/:slug/prices/:provider/:model'],
    WRITERS,
    ['customer_price.write', 'customer'],
    putCustomerPrice,
  ),
  route(
    ['delete', '/customers/:slug/prices/:provider/:model'],
    WRITERS,
    ['customer_price.end', 'customer'],
    deleteCustomerPrice,
  ),
  route(['get', '/customers/:slug/prices'], READERS, ['customer_price.list', 'customer'], listCustomerPrices),
  route(['get', '/v1/audit/checkpoint'], ANYBODY, ['audit.read', 'checkpoint'], getCheckpoint),
  route(['get', '/v1/audit/keys'], ANYBODY, ['audit.read', 'signing_key'], getKeys),
  route(['get', '/v1/audit/consistency'], ANYBODY, ['audit.read', 'checkpoint'], getConsistency),
  route(['post', '/v1/audit/cosignatures'], ANYBODY, ['audit.cosign', 'checkpoint'], addCosignatures),
  route(['get', '/v1/audit/proof/:request_id'], CUSTOMERS, ['audit.prove', 'request'], getProof),
  route(['get', '/v1/audit/entries'], CUSTOMERS, ['audit.read', 'entry'], listEntries),
  route(['get', '/v1/audit/events'], CUSTOMERS, ['audit.read', 'event'], listEvents),
];

/** The control plane's paths, each behind its keeper: there is no other way in. */
export const controlRoutes = (deps: ControlDeps): Router => {
  const router = new Router();
  for (const each of CONTROL_ROUTES) router[each.method](each.path, audited(deps, each));
  return router;
};
