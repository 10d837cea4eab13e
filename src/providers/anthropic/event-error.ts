import type { Clock } from '../../core/clock.ts';
import type { OneVaultError } from '../../core/errors.ts';
import { isObject } from '../json.ts';
import { refusalError } from '../response-error.ts';

// https://docs.anthropic.com/en/api/errors: the HTTP status of each type if the error occurs before the stream.
const STATUS_OF_TYPE: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** The client's error for an error event of a stream. */
export const errorOfEvent = (error: unknown, clock: Clock): OneVaultError => {
  const { type, message } = isObject(error) ? error : {};
  const status = STATUS_OF_TYPE.get(type) ?? 500;
  return refusalError({ status, headers: {}, message: typeof message === 'string' ? message : '' }, null, clock);
};
