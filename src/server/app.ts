import Koa from 'koa';
import type { Registry as MetricsRegistry } from 'prom-client';
import type { GatewayDeps } from '../gateway/deps.ts';
import { gatewayRoutes } from '../gateway/routes.ts';
import { apiBrowsers } from '../http/api-browser.ts';
import { errorHandler } from '../http/error-handler.ts';
import { type HealthDeps, health } from '../http/health.ts';
import { metrics } from '../http/metrics.ts';
import { openApi } from '../http/openapi-route.ts';
import { requestId } from '../http/request-id.ts';
import { singleHeaders } from '../http/single-headers.ts';
import type { ControlDeps } from '../modules/deps.ts';
import { controlRoutes } from '../modules/routes.ts';
import { isConnectionError } from '../postgres/connect.ts';
import { apiContracts } from './api-contracts.ts';

export interface AppDeps {
  readonly gateway: GatewayDeps;
  readonly control: ControlDeps;
  readonly health: HealthDeps;
  readonly metrics: MetricsRegistry;
}

/** Both planes behind one port. The data plane comes first, because it serves nearly all requests. */
export const createApp = (deps: AppDeps): Koa => {
  const { clock, nextId, log } = deps.gateway;
  const app = new Koa();
  app.use(requestId(clock, nextId));
  app.use(errorHandler({ clock, log, isUnavailable: isConnectionError }));
  app.use(singleHeaders);
  app.use(gatewayRoutes(deps.gateway));
  app.use(health(deps.health).routes());
  app.use(metrics(deps.metrics).routes());
  app.use(controlRoutes(deps.control).routes());
  app.use(openApi(apiContracts(deps.control.registry)).routes());
  app.use(apiBrowsers().routes());
  app.on('error', (err: unknown) => log.warn({ err }, 'a connection met a fault'));
  return app;
};
