import { instantOf } from '../../../../core/clock.ts';
import type { OneVaultError } from '../../../../core/errors.ts';
import { errorEnvelope } from '../../../../http/envelope.ts';
import type { ErrorFormat } from '../../client-protocol.ts';

/**
 * Anthropic's error envelope (https://docs.anthropic.com/en/api/errors) with the gateway's own fields. Its SDKs react
 * to some errors by the code in `details`, which is then an object.
 */
const error = (given: OneVaultError, request_id: string, now_ms: number): object => {
  const envelope = errorEnvelope(given, request_id, now_ms);
  const { protocol_code, details, param } = given;
  const coded = { error_code: protocol_code, unsupported: param === null ? [] : [param], details };
  return {
    type: 'error',
    error: protocol_code === null ? envelope.error : { ...envelope.error, details: coded },
    request_id,
  };
};

/** Anthropic's error format and rate limit headers. */
export const anthropicErrorFormat: ErrorFormat = {
  error,
  broken: (given, request_id, now_ms) => `event: error\ndata: ${JSON.stringify(error(given, request_id, now_ms))}\n\n`,
  request_id_header: 'request-id',
  // https://docs.anthropic.com/en/api/rate-limits#response-headers
  limitHeaders: ({ limit, remaining, reset_s }, now_ms) => ({
    'anthropic-ratelimit-requests-limit': String(limit),
    'anthropic-ratelimit-requests-remaining': String(remaining),
    'anthropic-ratelimit-requests-reset': instantOf(now_ms + reset_s * 1_000),
  }),
};
