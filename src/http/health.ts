import Router from '@koa/router';
import type { Context } from 'koa';
import type { RouteContract, Schema } from './route.ts';
import { objectOf, TEXT } from './schemas.ts';

/** State of one dependency in `/health/dependencies`. */
export interface Dependency {
  readonly status: 'up' | 'degraded' | 'down';
  readonly detail?: string;
}

export interface HealthDeps {
  readonly version: string;
  /** True if the gateway could serve a call now. */
  readonly isReady: () => boolean;
  readonly dependencies: () => Promise<Readonly<Record<string, Dependency>>>;
}

const UP_OR_DOWN: Schema = objectOf('Health', { status: { enum: ['up', 'down'] }, version: TEXT });

const contract = (path: string, operation_id: string, summary: string, responses: RouteContract['responses']) =>
  ({ method: 'get', plane: 'control', permission: null, path, operation_id, summary, responses }) as const;

const whether = (description: string): RouteContract['responses'] => ({
  200: { description, schema: UP_OR_DOWN, form: 'bare' },
  503: { description: 'It is not.', schema: UP_OR_DOWN, form: 'bare' },
});

/** Routes of `health`. */
export const HEALTH_CONTRACTS: readonly RouteContract[] = [
  contract('/health', 'health.read', 'Whether a call could be served now', whether('It could.')),
  contract('/health/liveness', 'health.liveness', 'Whether the process runs', whether('It runs.')),
  contract('/health/readiness', 'health.readiness', 'Whether a call could be served now', whether('It could.')),
  contract('/health/dependencies', 'health.dependencies', 'How the things that we depend on are', {
    200: {
      description: 'By name.',
      form: 'bare',
      schema: {
        type: 'object',
        additionalProperties: {
          title: 'Dependency',
          type: 'object',
          required: ['status'],
          properties: { status: { enum: ['up', 'degraded', 'down'] }, detail: TEXT },
        },
      },
    },
  }),
];

/** `/health` and `/health/{liveness,readiness,dependencies}` for load balancers and operators. They need no key. */
export const health = ({ version, isReady, dependencies }: HealthDeps): Router => {
  const respond = (ctx: Context, is_well: boolean): void => {
    ctx.status = is_well ? 200 : 503;
    ctx.body = { status: is_well ? 'up' : 'down', version };
  };
  return new Router()
    .get('/health', (ctx) => respond(ctx, isReady()))
    .get('/health/liveness', (ctx) => respond(ctx, true))
    .get('/health/readiness', (ctx) => respond(ctx, isReady()))
    .get('/health/dependencies', async (ctx) => {
      ctx.body = await dependencies();
    });
};
