import { GATEWAY_CONTRACTS } from '../gateway/contracts.ts';
import { API_BROWSER_CONTRACTS } from '../http/api-browser.ts';
import { HEALTH_CONTRACTS } from '../http/health.ts';
import { METRICS_CONTRACT } from '../http/metrics.ts';
import type { RouteContract } from '../http/route.ts';
import { controlContracts } from '../modules/routes.ts';
import type { Registry } from '../vault/registry.ts';

/** The contracts of all paths of the product, for OpenAPI and the reference page. */
export const apiContracts = (registry: Registry): readonly RouteContract[] => [
  ...GATEWAY_CONTRACTS,
  ...controlContracts(registry),
  ...HEALTH_CONTRACTS,
  METRICS_CONTRACT,
  ...API_BROWSER_CONTRACTS,
];
