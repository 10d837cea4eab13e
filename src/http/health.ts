import Router from '@koa/router';
import type { Context } from 'koa';

/** What `/health` tells of one thing that we depend on. */
export interface Dependency {
  readonly status: 'up' | 'degraded' | 'down';
  readonly detail?: string;
}

export interface HealthDeps {
  readonly version: string;
  /** Whether a call could be served now. */
  readonly isReady: () => boolean;
  readonly dependencies: () => Promise<Readonly<Record<string, Dependency>>>;
}

/** `/health`, `/health/{liveness,readiness,dependencies}`, for balancers and operators; they need no key. */
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
