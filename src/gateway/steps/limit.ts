import { OneVaultError } from '../../core/errors.ts';
import type { Step } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

/**
 * Enforces the requests a minute of a key. Sets the headers of draft-ietf-httpapi-ratelimit-headers-06 and those of the
 * client's protocol.
 */
export const limit =
  ({ limiter, clock }: GatewayDeps): Step =>
  (call) => {
    const api_key = call.api_key!;
    const per_minute = api_key.rate_limit_requests_per_minute ?? call.customer!.rate_limit_requests_per_minute;
    if (per_minute === null) return;
    const now_ms = clock.now();
    const decision = limiter.take(api_key.api_key, per_minute, now_ms);
    call.ctx.set('ratelimit-limit', String(decision.limit));
    call.ctx.set('ratelimit-remaining', String(decision.remaining));
    call.ctx.set('ratelimit-reset', String(decision.reset_s));
    call.ctx.set({ ...call.protocol.error_format.limitHeaders(decision, now_ms) });
    if (decision.allowed) return;
    throw new OneVaultError('rate_limit_exceeded', {
      details: `The API key has a limit of ${per_minute} requests a minute. Retry after ${decision.retry_after_s} s.`,
      retry_after_s: decision.retry_after_s,
    });
  };
