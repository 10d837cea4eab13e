import type { Context, Middleware } from 'koa';
import { OneVaultError } from '../core/errors.ts';
import type { ClientProtocol } from './ai/client-protocol.ts';
import type { Call, Step } from './call.ts';
import { intentRecord } from './call-record.ts';
import { createClientResponse } from './client-response.ts';
import type { GatewayDeps } from './deps.ts';
import { completeClaim } from './idempotency/end-claim.ts';
import { isRecorded } from './limits/refused-keys.ts';
import { createSalts } from './salts.ts';
import { admit } from './steps/admit.ts';
import { authenticate } from './steps/authenticate.ts';
import { claimKey } from './steps/claim-key.ts';
import { classify } from './steps/classify.ts';
import { forward } from './steps/forward.ts';
import { limit } from './steps/limit.ts';
import { parseRequest } from './steps/parse-request.ts';
import { reserve } from './steps/reserve.ts';
import { route } from './steps/route.ts';
import { failureOf, settle } from './steps/settle.ts';

/** Steps of a call. Their order is the security policy. A call is settled after any error of a step. */
const STEPS = [authenticate, limit, parseRequest, claimKey, classify, reserve, route, admit, forward] as const;

/** Number of calls in flight, shared by all endpoints. */
export interface InFlight {
  count: number;
}

/** Serves one endpoint: runs the steps for each call. */
export const serve = (deps: GatewayDeps, protocol: ClientProtocol, in_flight: InFlight): Middleware => {
  const steps: readonly Step[] = STEPS.map((step) => step(deps));
  const settleCall = settle(deps);
  const nextSalt = createSalts();
  return async (ctx) => {
    ctx.set(protocol.error_format.request_id_header, ctx.state.request_id as string);
    if (in_flight.count >= deps.max_calls_in_flight) {
      deps.metrics.countOverload();
      refuse(ctx, protocol, deps);
      return;
    }
    deps.metrics.setInFlight(++in_flight.count);
    ctx.respond = false;
    const call = openCall(ctx, protocol, nextSalt, deps);
    try {
      await walk(steps, call, deps);
      await settleCall(call, isRecorded(deps, call));
    } catch (fault) {
      deps.log.error({ err: fault, request_id: call.request_id }, 'a call could not be settled');
      completeClaim(call, intentRecord(call, deps.clock.now()).call);
      ctx.res.destroy();
    } finally {
      deps.metrics.setInFlight(--in_flight.count);
    }
  };
};

/** Refuses a call above the limit at once. It writes no record, because the journal must not be overloaded. */
export const refuse = (ctx: Context, { error_format }: ClientProtocol, { clock }: GatewayDeps): void => {
  const error = new OneVaultError('overloaded', { retry_after_s: 1 });
  ctx.status = error.status;
  ctx.set('retry-after', '1');
  ctx.body = error_format.error(error, ctx.state.request_id as string, clock.now());
};

/** Runs the steps of a call up to the first that refuses, fails or answers it. */
export const walk = async (steps: readonly Step[], call: Call, { log }: GatewayDeps): Promise<void> => {
  try {
    for (const step of steps) {
      await step(call);
      if (call.replay !== null) return;
    }
  } catch (thrown) {
    call.error = failureOf(thrown, call);
    if (call.error.code === 'internal_error') {
      log.error({ err: thrown, request_id: call.request_id }, 'a call met a fault');
    }
  }
};

/** Creates the state of a call before its first step. */
export const openCall = (
  ctx: Context,
  protocol: ClientProtocol,
  nextSalt: () => Buffer,
  { client_timeout_ms }: GatewayDeps,
): Call => {
  const abort = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) abort.abort();
  });
  const [request_salt, response_salt] = [nextSalt(), nextSalt()];
  const client_response = createClientResponse(ctx.res, response_salt, client_timeout_ms);
  ctx.set('x-onevault-receipt', `v1.${request_salt.toString('hex')}.${response_salt.toString('hex')}`);
  return {
    request_id: ctx.state.request_id as string,
    received_ms: ctx.state.received_ms as number,
    protocol,
    ctx,
    client_response,
    request_salt,
    response_salt,
    signal: abort.signal,
    api_key: null,
    customer: null,
    body: Buffer.alloc(0),
    request_commitment: null,
    content: '',
    parsed: null,
    idempotency: null,
    replay: null,
    compliance_flags: [],
    eligible: [],
    reservation: null,
    key_reservations: [],
    route: null,
    intent_sequence: null,
    attempts: [],
    chosen: null,
    response: null,
    encoder: null,
    usage: null,
    provider_key_cost: null,
    usage_source: 'none',
    upstream_latency_ms: null,
    time_to_first_token_ms: null,
    error: null,
    session: null,
  };
};
