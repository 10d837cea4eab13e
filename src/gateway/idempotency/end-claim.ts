import type { ErrorCode } from '../../core/errors.ts';
import type { CallFacts } from '../../journal/record.ts';
import type { Call } from '../call.ts';

/** Ends the claim on the call's key: a later call with this key gets the facts of this one. */
export const completeClaim = (call: Call, facts: CallFacts): void => {
  call.idempotency?.complete(facts);
};

/** Releases the key of a call that executed nothing. Its outcome then names no key. */
export const releaseUnused = (call: Call): void => {
  if (call.idempotency === null || mayHaveExecuted(call)) return;
  call.idempotency.release();
  call.idempotency = null;
};

/** Errors of attempts in which no provider got the call. */
const NOT_SENT: ReadonlySet<string | null> = new Set<ErrorCode>([
  'provider_unreachable',
  'provider_key_unavailable',
  'provider_key_refused',
  'unsupported_feature',
]);

/**
 * False if nothing left the gateway, or if every provider that was tried refused the call: with an error status, or by
 * no connection. A timeout or a broken connection says nothing about what the provider did.
 */
const mayHaveExecuted = ({ intent_sequence, usage_source, error, attempts }: Call): boolean => {
  if (intent_sequence === null) return false;
  if (error === null || usage_source !== 'none' || error.code === 'client_closed_request') return true;
  return !attempts.every(
    ({ http_status, error_code }) =>
      NOT_SENT.has(error_code) || (http_status !== null && http_status >= 400 && error_code !== null),
  );
};
