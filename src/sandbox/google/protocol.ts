import { type Json, SandboxRefusal } from '../call.ts';
import type { Protocol } from '../protocol.ts';

const INVALID_KEY = 'API_KEY_INVALID';

/** The common parts of Google's endpoints. */
export const google: Protocol = {
  name: 'google',
  unauthorised: (headers, query) => {
    const key = headers['x-goog-api-key'] ?? new URLSearchParams(query).get('key') ?? '';
    if (key === '') {
      return new SandboxRefusal(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
      );
    }
    if (key !== 'invalid') return null;
    return new SandboxRefusal(400, 'API key not valid. Please pass a valid API key.', null, {
      code: INVALID_KEY,
    });
  },
  error: statusOf,
  headers: () => ({ vary: 'Origin, X-Origin, Referer', 'server-timing': 'gfet4t7; dur=1' }),
};

/** An error in the JSON form of `google.rpc.Status`. */
export function statusOf({ status, message, param, code, retry_after_s }: SandboxRefusal): Json {
  const details: Json[] = [];
  if (code === INVALID_KEY) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: INVALID_KEY,
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    });
  }
  if (param !== null && status === 400) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: param, description: message }],
    });
  }
  if (status === 429) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: `${retry_after_s ?? 1}s`,
    });
  }
  const name = STATUS_NAMES.get(status) ?? (status < 500 ? 'FAILED_PRECONDITION' : 'UNKNOWN');
  return { error: { code: status, message, status: name, ...(details.length > 0 ? { details } : {}) } };
}

// https://cloud.google.com/apis/design/errors
const STATUS_NAMES: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [501, 'UNIMPLEMENTED'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
]);
