import type { RouterContext } from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { Clock } from '../core/clock.ts';
import { asOneVaultError, OneVaultError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { sendControlError } from './control-error.ts';
import { errorEnvelope } from './envelope.ts';

export interface ErrorHandlerDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** True for an error of a connection to the database. */
  readonly isUnavailable: (error: unknown) => boolean;
}

const unavailable = (cause: unknown): OneVaultError =>
  new OneVaultError('database_unavailable', { cause, retry_after_s: 1 });

/**
 * Handles every error in one place: an error becomes the response that its row of the error table describes, an
 * unknown path gets 404, a path with other methods gets 405 and `Allow` (RFC 9110, section 15.5.6).
 * Errors of the gateway have the form that its clients' SDKs read, all others that of the control plane.
 */
export const errorHandler =
  ({ clock, log, isUnavailable }: ErrorHandlerDeps): Middleware =>
  async (ctx, next) => {
    try {
      await next();
      if (ctx.respond !== false && ctx.body === undefined && ctx.status === 404) throw unserved(ctx);
    } catch (thrown) {
      const error = isUnavailable(thrown) ? unavailable(thrown) : asOneVaultError(thrown);
      if (error.code === 'internal_error') {
        log.error({ err: thrown, request_id: ctx.state.request_id, path: ctx.path }, 'a request met a fault');
      }
      if (error.retry_after_s !== null) ctx.set('retry-after', String(error.retry_after_s));
      if (ctx.state.plane !== 'gateway') {
        sendControlError(ctx, error, clock);
        return;
      }
      ctx.status = error.status;
      ctx.body = errorEnvelope(error, ctx.state.request_id, clock.now());
    }
  };

const unserved = (ctx: Context): OneVaultError => {
  // The routers leave the layers whose path matched the request, whatever their methods.
  const layers = (ctx as RouterContext).matched ?? [];
  const methods = [...new Set(layers.flatMap((layer) => layer.methods))].toSorted();
  if (methods.length === 0) {
    return new OneVaultError('not_found', { details: `${ctx.method} ${ctx.path} is not served.` });
  }
  ctx.set('allow', methods.join(', '));
  return new OneVaultError('method_not_allowed', { details: `${ctx.path} takes ${methods.join(', ')}.` });
};
