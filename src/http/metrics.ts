import Router from '@koa/router';
import type { Registry as MetricsRegistry } from 'prom-client';
import type { RouteContract } from './route.ts';

/** Route of `metrics`. */
export const METRICS_CONTRACT: RouteContract = {
  method: 'get',
  path: '/metrics',
  operation_id: 'metrics.read',
  plane: 'control',
  summary: "Counters and gauges in Prometheus' text form",
  permission: null,
  responses: {
    200: { description: 'Metrics.', schema: { type: 'string' }, form: 'bare', content_types: ['text/plain'] },
  },
};

/** `GET /metrics` in the text format of Prometheus. */
export const metrics = (registry: MetricsRegistry): Router =>
  new Router().get('/metrics', async (ctx) => {
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
  });
