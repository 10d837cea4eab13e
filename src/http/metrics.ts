import type { Middleware } from 'koa';
import type { Registry } from 'prom-client';

/** `GET /metrics`, in Prometheus' text form. */
export const metrics =
  (registry: Registry): Middleware =>
  async (ctx, next) => {
    if (ctx.method !== 'GET' || ctx.path !== '/metrics') return next();
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
    return undefined;
  };
