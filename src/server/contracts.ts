import { GATEWAY_CONTRACTS } from '../gateway/contracts.ts';
import { API_BROWSER_CONTRACTS } from '../http/api-browser.ts';
import { HEALTH_CONTRACTS } from '../http/health.ts';
import { METRICS_CONTRACT } from '../http/metrics.ts';
import type { RouteContract } from '../http/route.ts';
import { CONTROL_ROUTES } from '../modules/routes.ts';

/** The contracts of all paths that the product serves, for OpenAPI and the reference page. */
export const API_CONTRACTS: readonly RouteContract[] = [
  ...GATEWAY_CONTRACTS,
  ...CONTROL_ROUTES,
  ...HEALTH_CONTRACTS,
  METRICS_CONTRACT,
  ...API_BROWSER_CONTRACTS,
];
