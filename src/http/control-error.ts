import type { Context } from 'koa';
import { type Clock, instantOf } from '../core/clock.ts';
import type { ErrorCode, OneVaultError } from '../core/errors.ts';
import { wholeMessage } from './envelope.ts';
import { PROBLEM_TYPE } from './version.ts';

/** Codes of the control plane that are more general than ours; our code is then the reason. */
const CODES: Partial<Readonly<Record<ErrorCode, string>>> = {
  malformed_json: 'invalid_request',
  missing_api_key: 'authentication_required',
  invalid_api_key: 'authentication_failed',
  revoked_api_key: 'authentication_failed',
  expired_api_key: 'expired_token',
  forbidden: 'insufficient_permissions',
  model_not_found: 'not_found',
  already_exists: 'conflict',
  legal_hold: 'conflict',
  not_covered_yet: 'conflict',
  wrong_state: 'conflict',
  request_in_progress: 'conflict',
  provider_key_refused: 'validation_error',
  provider_rate_limited: 'rate_limit_exceeded',
  journal_unavailable: 'service_unavailable',
  audit_unavailable: 'service_unavailable',
  database_unavailable: 'service_unavailable',
  provider_key_unavailable: 'service_unavailable',
  overloaded: 'service_unavailable',
  not_ready: 'service_unavailable',
};

/** The code of an error in responses of the control plane. */
export const controlCodeOf = (code: ErrorCode): string => CODES[code] ?? code;

/** Writes an error in the form of the control plane, or as a problem (RFC 9457) if `Accept` prefers it. */
export const sendControlError = (ctx: Context, error: OneVaultError, clock: Clock): void => {
  const body = bodyOf(error, ctx.state.request_id as string, clock.now());
  ctx.status = error.status;
  ctx.set('cache-control', 'no-store');
  if (ctx.accepts('application/json', PROBLEM_TYPE) !== PROBLEM_TYPE) {
    ctx.body = { error: body };
    return;
  }
  const { message: title, code, type: _type, message: _message, ...members } = { ...body, message: error.message };
  ctx.body = {
    type: `urn:onevault:error:${code}`,
    title,
    detail: error.details ?? title,
    instance: `urn:uuid:${body.request_id}`,
    code,
    ...members,
  };
  ctx.type = PROBLEM_TYPE;
};

const bodyOf = (error: OneVaultError, request_id: string, now_ms: number) => {
  const code = controlCodeOf(error.code);
  const reason = error.reason ?? (code === error.code ? null : error.code);
  return {
    code,
    message: wholeMessage(error),
    details: { reason, explanation: error.details, ...error.context },
    status: error.status,
    request_id,
    timestamp: `${instantOf(now_ms).slice(0, -1)}000Z`,
    type: error.type,
    param: error.param,
    errors: error.faults,
  };
};
