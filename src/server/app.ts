import Koa from 'koa';
import type { Registry } from 'prom-client';
import { GATEWAY_CONTRACTS } from '../gateway/contracts.ts';
import type { GatewayDeps } from '../gateway/deps.ts';
import { gatewayRoutes } from '../gateway/routes.ts';
import { errorHandler } from '../http/error-handler.ts';
import { HEALTH_CONTRACTS, type HealthDeps, health } from '../http/health.ts';
import { METRICS_CONTRACT, metrics } from '../http/metrics.ts';
import { openApi } from '../http/openapi-route.ts';
import { requestId } from '../http/request-id.ts';
import type { ControlDeps } from '../modules/deps.ts';
import { CONTROL_ROUTES, controlRoutes } from '../modules/routes.ts';

export interface AppDeps {
  readonly gateway: GatewayDeps;
  readonly control: ControlDeps;
  readonly health: HealthDeps;
  readonly registry: Registry;
}

/** Both planes behind one port. The data plane comes first: it is the one that is asked ten thousand times a second. */
export const createApp = (deps: AppDeps): Koa => {
  const { clock, nextId, log } = deps.gateway;
  const app = new Koa();
  app.use(requestId(clock, nextId));
  app.use(errorHandler(clock, log));
  app.use(gatewayRoutes(deps.gateway));
  app.use(health(deps.health).routes());
  app.use(metrics(deps.registry).routes());
  app.use(controlRoutes(deps.control).routes());
  app.use(openApi([...GATEWAY_CONTRACTS, ...CONTROL_ROUTES, ...HEALTH_CONTRACTS, METRICS_CONTRACT]).routes());
  app.on('error', (err: unknown) => log.warn({ err }, 'a connection met a fault'));
  return app;
};
