import Router from '@koa/router';
import type { Middleware } from 'koa';
import { getModel, listAiModels, listModels } from './ai/list-models.ts';
import { createClientProtocols } from './ai/protocols/client-protocols.ts';
import { getGoogleModel, listGoogleModels, refuseGoogleMethod } from './ai/protocols/google/list-models.ts';
import { realtime } from './ai/realtime/protocol.ts';
import { serveRealtime } from './ai/realtime/serve-realtime.ts';
import type { GatewayDeps } from './deps.ts';
import { serve } from './serve.ts';

/** Routes of the data plane. The map is faster than the router, which tries one pattern after another. */
export const gatewayRoutes = (deps: GatewayDeps): Middleware => {
  const in_flight = { count: 0 };
  const router = new Router();
  const calls = new Map<string, Middleware>();
  for (const protocol of createClientProtocols()) {
    const call = serve(deps, protocol, in_flight);
    router.post(protocol.path, call);
    calls.set(protocol.path, call);
  }
  const routes = router
    .use((ctx, next) => {
      ctx.state.plane = 'gateway';
      return next();
    })
    .get(realtime.path, serveRealtime(deps, in_flight))
    .get('/v1/models', byClient({ google: listGoogleModels(deps), openai: listModels(deps) }))
    // The base URL of OpenAI's SDKs ends in /v1. To omit it is the most frequent mistake.
    .get('/models', listModels(deps))
    .get('/v1/models/:model', byClient({ google: getGoogleModel(deps), openai: getModel(deps) }))
    .get('/v1/ai/models', listAiModels(deps))
    .get('/v1beta/models', listGoogleModels(deps))
    .get('/v1beta/models/*model', getGoogleModel(deps))
    .post('/v1beta/models/*method', refuseGoogleMethod(deps))
    .routes() as Middleware;
  return (ctx, next) => {
    const call = ctx.method === 'POST' ? calls.get(ctx.path) : undefined;
    if (call === undefined) return routes(ctx, next);
    ctx.params = {};
    return call(ctx, next);
  };
};

/** OpenAI and Google share the path of the model list. The place of the key shows which client it is. */
const byClient =
  ({ google, openai }: Readonly<Record<'google' | 'openai', Middleware>>): Middleware =>
  (ctx, next) => {
    const is_google = ctx.headers['x-goog-api-key'] !== undefined || ctx.query.key !== undefined;
    return (is_google ? google : openai)(ctx, next);
  };
