import Router from '@koa/router';
import type { Resource } from '../resources/declaration/resource.ts';
import type { ControlRoute } from '../resources/serving/control-route.ts';
import { resourceRoutes } from '../resources/serving/resource-routes.ts';
import { serveRoute } from '../resources/serving/serve-route.ts';
import type { Registry } from '../vault/registry.ts';
import { apiKeys } from './api-keys/api-keys.ts';
import { AUDIT_LOG_ROUTES } from './audit-log/routes.ts';
import { customers } from './customers/customers.ts';
import { deployments } from './deployments/deployments.ts';
import type { ControlDeps } from './deps.ts';
import { customerPrices } from './prices/customer-prices.ts';
import { legalHolds } from './privacy/holds.ts';
import { PRIVACY_ROUTES } from './privacy/routes.ts';
import { providerKeys } from './provider-keys/provider-keys.ts';
import { readRequest } from './requests/requests.ts';
import { VAULT_ROUTES } from './vault/routes.ts';

/** The resources that the engine serves. */
export const RESOURCES: readonly Resource<ControlDeps>[] = [
  customers,
  apiKeys,
  providerKeys,
  customerPrices,
  deployments,
  legalHolds,
];

/** Routes that are not resources of the vault: documents, proofs and personal data. */
const OTHER_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  readRequest,
  ...VAULT_ROUTES,
  ...PRIVACY_ROUTES,
  ...AUDIT_LOG_ROUTES,
];

/** All routes of the control plane, with their permissions and the words of the audit log. */
export const controlContracts = (registry: Registry): readonly ControlRoute<ControlDeps>[] => [
  ...OTHER_ROUTES,
  ...RESOURCES.flatMap((resource) => resourceRoutes(registry, resource)),
];

/** The control plane's paths, each behind its guard. */
export const controlRoutes = (deps: ControlDeps): Router => {
  const router = new Router();
  for (const each of controlContracts(deps.registry)) {
    router[each.method]([each.path, ...(each.aliases ?? [])], serveRoute(deps, each));
  }
  return router;
};
