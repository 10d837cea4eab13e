import type { Middleware } from 'koa';
import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';

/** Gives every request an id (UUIDv7), returned as `x-request-id`, and records the time of its arrival. */
export const requestId =
  (clock: Clock, nextId: NextId): Middleware =>
  (ctx, next) => {
    const request_id = nextId();
    ctx.state = { request_id, received_ms: clock.now() };
    ctx.set('x-request-id', request_id);
    return next();
  };
