import Router from '@koa/router';
import type { Context } from 'koa';

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

/** `/health` and `/health/{liveness,readiness,dependencies}` for load balancers and operators. They need no key. */
export const health = ({ version, isReady, dependencies }: HealthDeps): Router => {
  const answer = (ctx: Context, is_well: boolean): void => {
    ctx.status = is_well ? 200 : 503;
    ctx.body = { status: is_well ? 'up' : 'down', version };
  };
  return new Router()
    .get('/health', (ctx) => answer(ctx, isReady()))
    .get('/health/liveness', (ctx) => answer(ctx, true))
    .get('/health/readiness', (ctx) => answer(ctx, isReady()))
    .get('/health/dependencies', async (ctx) => {
      ctx.body = await dependencies();
    });
};
