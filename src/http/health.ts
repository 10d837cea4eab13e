import type { Middleware } from 'koa';

/** What `/health` tells of one thing that we depend on. */
export interface Dependency {
  readonly status: 'up' | 'down';
  readonly detail?: string;
}

export interface HealthDeps {
  readonly version: string;
  /** Whether a call could be served now. */
  readonly isReady: () => boolean;
  readonly dependencies: () => Promise<Readonly<Record<string, Dependency>>>;
}

/** `/health`, `/health/{liveness,readiness,dependencies}`, for balancers and operators; they need no key. */
export const health = ({ version, isReady, dependencies }: HealthDeps): Middleware => {
  const answer = (is_well: boolean): { status: number; body: object } => ({
    status: is_well ? 200 : 503,
    body: { status: is_well ? 'up' : 'down', version },
  });
  return async (ctx, next) => {
    if (ctx.method !== 'GET' || !ctx.path.startsWith('/health')) return next();
    switch (ctx.path) {
      case '/health/liveness':
        Object.assign(ctx, answer(true));
        return undefined;
      case '/health':
      case '/health/readiness':
        Object.assign(ctx, answer(isReady()));
        return undefined;
      case '/health/dependencies':
        ctx.body = await dependencies();
        return undefined;
      default:
        return next();
    }
  };
};
