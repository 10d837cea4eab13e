import Router from '@koa/router';
import { instantParameter } from '../http/formats.ts';
import { CURSOR_QUERY, PAGE_QUERY } from '../http/paging.ts';
import type { QueryParameter, RouteContract } from '../http/route.ts';
import { OPEN_OBJECT } from '../http/schemas.ts';
import type { ControlRoute } from '../resources/serving/control-route.ts';
import { serveRoute } from '../resources/serving/serve-route.ts';
import apiKey from './api-keys/api-key.schema.json' with { type: 'json' };
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from './api-keys/api-keys.ts';
import { AUDIT_LOG_ROUTES } from './audit-log/routes.ts';
import { type ContextHandler, fromContext } from './context-handler.ts';
import { changeCustomer } from './customers/change-customer.ts';
import customer from './customers/customer.schema.json' with { type: 'json' };
import { createCustomer, getCustomer, listCustomers } from './customers/customers.ts';
import { listOffers, offerModel } from './deployments/deployments.ts';
import { DEPLOYMENT_SCHEMA } from './deployments/read-deployment.ts';
import type { ControlDeps } from './deps.ts';
import { deleteCustomerPrice, listCustomerPrices, putCustomerPrice } from './prices/customer-prices.ts';
import { CUSTOMER_PRICE_SCHEMA } from './prices/service.ts';
import { PRIVACY_ROUTES } from './privacy/routes.ts';
import {
  createProviderKey,
  getProviderKey,
  listProviderKeys,
  refuseUnknownCustomer,
  replaceProviderKey,
  revokeProviderKey,
} from './provider-keys/provider-keys.ts';
import { CHANGED_KEY_SCHEMA, NEW_KEY_SCHEMA } from './provider-keys/read-provider-key.ts';
import { REQUEST_ROUTES } from './requests/routes.ts';
import { VAULT_ROUTES } from './vault/routes.ts';

const { slug: _slug, tenant: _tenant, ...terms } = customer.properties;

const CUSTOMER_CHANGE = {
  ...customer,
  title: 'CustomerChange',
  required: [],
  minProperties: 1,
  properties: { ...terms, status: { enum: ['ACTIVE', 'SUSPENDED'] } },
};

const route = (
  [method, path]: readonly [RouteContract['method'], string],
  [permission, action, subject_kind]: readonly [string, string, string],
  serve: (deps: ControlDeps) => ContextHandler,
  more: Partial<ControlRoute<ControlDeps>> = {},
): ControlRoute<ControlDeps> => ({
  method,
  plane: 'control',
  path: `/v1${path}`,
  operation_id: permission,
  summary: permission,
  permission,
  action,
  subject_kind,
  responses: {
    200: { description: 'What holds.', schema: OPEN_OBJECT },
    201: { description: 'Made.', schema: OPEN_OBJECT },
  },
  serve: (deps) => fromContext(serve(deps)),
  ...more,
});

const LIST = {
  responses: { 200: { description: 'A page.', schema: OPEN_OBJECT, form: 'list' } },
  query: { ...CURSOR_QUERY, ...PAGE_QUERY },
} as const;
const CREATE = { errors: { 409: 'It exists already, or a limit is reached.' } } as const;
const text = (description: string): QueryParameter => ({ schema: { type: 'string', maxLength: 255 }, description });
const CUSTOMERS = ['/customers', '/organizations', '/v1/organizations'];
const of_customers = (path: string) => ({ aliases: CUSTOMERS.map((customers) => `${customers}${path}`) });
const root = (path: string) => ({ aliases: [path] });

const KEYS = '/customers/:slug/provider-keys';
const PRICES = '/customers/:slug/prices';
const PRICE = `${PRICES}/:provider/:model`;

/** The control plane's paths, who is let in, and what the audit log calls it. */
export const CONTROL_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  route(['post', '/customers'], ['customer.create', 'customer.create', 'customer'], createCustomer, {
    ...of_customers(''),
    ...CREATE,
    body: { schema: customer },
  }),
  route(['get', '/customers'], ['customer.list', 'customer.list', 'customer'], listCustomers, {
    ...of_customers(''),
    ...LIST,
  }),
  route(['get', '/customers/:slug'], ['customer.read', 'customer.read', 'customer'], getCustomer, {
    ...of_customers('/:slug'),
    subject: 'slug',
  }),
  route(['patch', '/customers/:slug'], ['customer.update', 'customer.change', 'customer'], changeCustomer, {
    ...of_customers('/:slug'),
    subject: 'slug',
    body: { schema: CUSTOMER_CHANGE },
  }),
  route(['post', '/api-keys'], ['api_key.create', 'api_key.create', 'api_key'], createApiKey, {
    ...root('/api-keys'),
    ...CREATE,
    is_bare_on_aliases: true,
    is_sensitive: true,
    body: { schema: apiKey },
  }),
  route(['get', '/api-keys'], ['api_key.list', 'api_key.list', 'api_key'], listApiKeys, {
    ...root('/api-keys'),
    ...LIST,
    query: { customer: text('Slug of a customer.'), ...CURSOR_QUERY, ...PAGE_QUERY },
  }),
  route(['get', '/api-keys/:id'], ['api_key.read', 'api_key.read', 'api_key'], getApiKey, {
    ...root('/api-keys/:id'),
    is_bare_on_aliases: true,
    subject: 'id',
  }),
  route(['delete', '/api-keys/:id'], ['api_key.delete', 'api_key.revoke', 'api_key'], revokeApiKey, {
    ...root('/api-keys/:id'),
    subject: 'id',
  }),
  route(['post', '/deployments'], ['deployment.create', 'model.offer', 'model'], offerModel, {
    ...CREATE,
    body: { schema: DEPLOYMENT_SCHEMA },
  }),
  route(['get', '/deployments'], ['deployment.list', 'model.list', 'model'], listOffers, {
    ...LIST,
    query: { provider: text('Slug of a provider.'), price_source: text('Who said the price.'), ...PAGE_QUERY },
  }),
  ...REQUEST_ROUTES,
  ...VAULT_ROUTES,
  ...PRIVACY_ROUTES,
  route(['post', KEYS], ['provider_key.create', 'provider_key.create', 'provider_key'], createProviderKey, {
    ...root(KEYS),
    ...CREATE,
    body: { schema: NEW_KEY_SCHEMA },
    locate: refuseUnknownCustomer,
  }),
  route(['get', KEYS], ['provider_key.list', 'provider_key.list', 'provider_key'], listProviderKeys, {
    ...root(KEYS),
    ...LIST,
  }),
  route(['get', `${KEYS}/:id`], ['provider_key.read', 'provider_key.read', 'provider_key'], getProviderKey, {
    ...root(`${KEYS}/:id`),
    subject: 'id',
  }),
  route(['put', `${KEYS}/:id`], ['provider_key.update', 'provider_key.replace', 'provider_key'], replaceProviderKey, {
    ...root(`${KEYS}/:id`),
    subject: 'id',
    body: { schema: CHANGED_KEY_SCHEMA },
    locate: refuseUnknownCustomer,
  }),
  route(['delete', `${KEYS}/:id`], ['provider_key.delete', 'provider_key.revoke', 'provider_key'], revokeProviderKey, {
    ...root(`${KEYS}/:id`),
    subject: 'id',
  }),
  route(['put', PRICE], ['customer_price.update', 'customer_price.write', 'customer'], putCustomerPrice, {
    ...root(PRICE),
    subject: 'slug',
    body: { schema: CUSTOMER_PRICE_SCHEMA },
  }),
  route(['delete', PRICE], ['customer_price.delete', 'customer_price.end', 'customer'], deleteCustomerPrice, {
    ...root(PRICE),
    subject: 'slug',
    query: { applied_from: instantParameter('From when on; now unless given.') },
  }),
  route(['get', PRICES], ['customer_price.list', 'customer_price.list', 'customer'], listCustomerPrices, {
    ...root(PRICES),
    ...LIST,
    subject: 'slug',
  }),
  ...AUDIT_LOG_ROUTES,
];

/** The control plane's paths, each behind its guard: there is no other way in. */
export const controlRoutes = (deps: ControlDeps): Router => {
  const router = new Router();
  for (const each of CONTROL_ROUTES) {
    router[each.method](each.path, serveRoute(deps, each, false));
    for (const path of each.aliases ?? []) router[each.method](path, serveRoute(deps, each, true));
  }
  return router;
};
