import type { Middleware } from 'koa';
import type { Clock } from '../core/clock.ts';
import { asOneVaultError, OneVaultError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { errorEnvelope } from './envelope.ts';

/** The one catch: answers every error with its row of the error table, and a path that nobody serves with 404. */
export const errorHandler =
  (clock: Clock, log: Log): Middleware =>
  async (ctx, next) => {
    try {
      await next();
      if (ctx.respond !== false && ctx.body === undefined && ctx.status === 404) {
        throw new OneVaultError('not_found', { details: `${ctx.method} ${ctx.path} is not served.` });
      }
    } catch (thrown) {
      const error = asOneVaultError(thrown);
      if (error.code === 'internal_error') {
        log.error({ err: thrown, request_id: ctx.state.request_id, path: ctx.path }, 'a request met a fault');
      }
      ctx.status = error.status;
      if (error.retry_after_s !== null) ctx.set('retry-after', String(error.retry_after_s));
      ctx.body = errorEnvelope(error, ctx.state.request_id, clock.now());
    }
  };
