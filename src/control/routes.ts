import Router from '@koa/router';
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';
import { authenticateAdmin } from './authenticate-admin.ts';
import { createCustomer, getCustomer, listCustomers } from './customers.ts';
import type { ControlDeps } from './deps.ts';
import { getRequest } from './requests.ts';
import { getEntity, getHistory, listEntities } from './vault.ts';

/** The control plane's paths, for administrators. */
export const controlRoutes = (deps: ControlDeps): Router => {
  const admin = authenticateAdmin(deps.snapshot, deps.clock);
  return new Router()
    .post('/customers', admin, createCustomer(deps))
    .get('/customers', admin, listCustomers(deps))
    .get('/customers/:slug', admin, getCustomer(deps))
    .post('/api-keys', admin, createApiKey(deps))
    .get('/api-keys', admin, listApiKeys(deps))
    .get('/api-keys/:id', admin, getApiKey(deps))
    .delete('/api-keys/:id', admin, revokeApiKey(deps))
    .get('/requests/:request_id', admin, getRequest(deps))
    .get('/vault/entities', admin, listEntities(deps))
    .get('/vault/:entity/:business_key', admin, getEntity(deps))
    .get('/vault/:entity/:business_key/history', admin, getHistory(deps));
};
