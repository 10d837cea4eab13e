import Router from '@koa/router';
import type { Registry } from 'prom-client';

/** `GET /metrics` in the text format of Prometheus. */
export const metrics = (registry: Registry): Router =>
  new Router().get('/metrics', async (ctx) => {
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
  });
