import { CREATED_S, SandboxRefusal } from '../call.ts';
import type { Protocol } from '../protocol.ts';

/** The common parts of Anthropic's endpoints. */
export const anthropic: Protocol = {
  name: 'anthropic',
  unauthorised: (headers) => {
    const bearer = headers.authorization?.startsWith('Bearer ') === true ? headers.authorization.slice(7) : '';
    const key = headers['x-api-key'] ?? bearer;
    if (key === '') return new SandboxRefusal(401, 'x-api-key header is required');
    if (key === 'invalid') return new SandboxRefusal(401, 'invalid x-api-key');
    return headers['anthropic-version'] === undefined
      ? new SandboxRefusal(400, 'anthropic-version: header is required')
      : null;
  },
  error: ({ status, message, code }, request_id) => ({
    type: 'error',
    error: {
      type: ERROR_TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message,
      ...(code?.startsWith('thread_') === true ? { details: { error_code: code, unsupported: ['thread'] } } : {}),
    },
    request_id,
  }),
  headers: (request_id, status) => ({
    'request-id': request_id,
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
    ...(status === 429 ? EXHAUSTED : LIMITS),
  }),
};

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

// Reset time of the limits. It is fixed, and past, so that responses are always the same.
const RESET = new Date(CREATED_S * 1_000).toISOString().replace('.000Z', 'Z');

const limitsOf = (exhausted: boolean): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries({
      requests: 4_000,
      tokens: 480_000,
      'input-tokens': 400_000,
      'output-tokens': 80_000,
    }).flatMap(([name, limit]) => [
      [`anthropic-ratelimit-${name}-limit`, String(limit)],
      [`anthropic-ratelimit-${name}-remaining`, exhausted ? '0' : String(limit - 1)],
      [`anthropic-ratelimit-${name}-reset`, RESET],
    ]),
  );

const LIMITS = limitsOf(false);
const EXHAUSTED = limitsOf(true);
