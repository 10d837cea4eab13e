import Router from '@koa/router';
import type { GatewayDeps } from './deps.ts';
import { getModel, listModels } from './models.ts';
import { createClientProtocols } from './protocols/registry.ts';
import { serve } from './serve.ts';

/** The data plane's paths. */
export const gatewayRoutes = (deps: GatewayDeps): Router => {
  const in_flight = { count: 0 };
  const router = new Router();
  for (const protocol of createClientProtocols())
    router.post(protocol.path, serve(deps, protocol, in_flight));
  return router.get('/v1/models', listModels(deps)).get('/v1/models/:model', getModel(deps));
};
