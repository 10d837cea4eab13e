import Router from '@koa/router';
import type { GatewayDeps } from './deps.ts';
import { getModel, listModels } from './models.ts';
import { createAiCompletions } from './protocols/ai-completions.ts';
import { createChatCompletions } from './protocols/chat-completions.ts';
import { serve } from './serve.ts';

/** The data plane's paths. */
export const gatewayRoutes = (deps: GatewayDeps): Router => {
  const in_flight = { count: 0 };
  return new Router()
    .post('/v1/chat/completions', serve(deps, createChatCompletions(), in_flight))
    .post('/v1/ai/completions', serve(deps, createAiCompletions(), in_flight))
    .get('/v1/models', listModels(deps))
    .get('/v1/models/:model', getModel(deps));
};
