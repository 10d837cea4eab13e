import { instantOf } from '../../../../core/clock.ts';
import type { OneVaultError } from '../../../../core/errors.ts';
import type { JsonObject } from '../../../../providers/chat-form.ts';
import type { ErrorFormat } from '../../client-protocol.ts';

// By the HTTP status of each: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
const CODE_OF_STATUS: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHENTICATED'],
  [402, 'FAILED_PRECONDITION'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [422, 'FAILED_PRECONDITION'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);

const typed = (name: string, fields: JsonObject): JsonObject => ({
  '@type': `type.googleapis.com/google.rpc.${name}`,
  ...fields,
});

/**
 * Google's error envelope, a google.rpc.Status (https://google.aip.dev/193). The gateway's own fields are in its
 * details, because `code` and `status` have other meanings there.
 */
export const statusEnvelope = (given: OneVaultError, request_id: string, now_ms: number): object => {
  const { code, status, message, details, type, param, retry_after_s } = given;
  // The values of google.rpc.ErrorInfo's metadata are texts.
  const facts = Object.entries(given.context).map(([name, value]) => [
    name === 'request_id' ? 'first_request_id' : name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const metadata = {
    request_id,
    timestamp: instantOf(now_ms),
    type,
    ...(param === null ? {} : { param }),
    ...Object.fromEntries(facts),
  };
  const sentence = details === null ? message : `${message} ${details}`;
  // Google's SDKs show their users neither headers nor details.
  const wait = retry_after_s === null ? '' : ` Please try again in ${retry_after_s}s.`;
  return {
    error: {
      code: status,
      message: sentence + wait,
      status: CODE_OF_STATUS.get(status) ?? (status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'),
      details: [
        typed('ErrorInfo', { reason: code.toUpperCase(), domain: 'onevault', metadata }),
        ...(param === null
          ? []
          : [typed('BadRequest', { fieldViolations: [{ field: param, description: sentence }] })]),
        ...(retry_after_s === null ? [] : [typed('RetryInfo', { retryDelay: `${retry_after_s}s` })]),
      ],
    },
  };
};

/** Google's error format; it has no headers for rate limits. */
export const googleErrorFormat: ErrorFormat = {
  error: statusEnvelope,
  broken: (error, request_id, now_ms) => `data: ${JSON.stringify(statusEnvelope(error, request_id, now_ms))}\n\n`,
  request_id_header: 'x-request-id',
  limitHeaders: () => ({}),
};
