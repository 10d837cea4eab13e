/**
 * Every error that a client can meet. `type` follows the error types that OpenAI's and Anthropic's SDKs know.
 * The table of docs/api.md is tested against this one.
 */
export const ERRORS = {
  malformed_json: row(400, 'invalid_request_error', 'The request body is not valid JSON.'),
  invalid_request: row(400, 'invalid_request_error', 'The request does not have the form that this endpoint takes.'),
  unsupported_feature: row(400, 'invalid_request_error', 'The chosen model cannot do what the request asks.'),
  provider_rejected: row(400, 'invalid_request_error', 'The provider refused the request.'),
  missing_api_key: row(
    401,
    'authentication_error',
    'No API key was sent: use the header "Authorization: Bearer sk_…".',
  ),
  invalid_api_key: row(401, 'authentication_error', 'The API key is not known.'),
  revoked_api_key: row(401, 'authentication_error', 'The API key was revoked.'),
  expired_api_key: row(401, 'authentication_error', 'The API key has expired.'),
  budget_exceeded: row(402, 'billing_error', 'The call could cost more than is left of the budget.'),
  forbidden: row(403, 'permission_error', 'The API key may not do this.'),
  not_found: row(404, 'not_found_error', 'There is nothing here.'),
  model_not_found: row(404, 'not_found_error', 'The model is not known or not offered to you.'),
  method_not_allowed: row(405, 'invalid_request_error', 'This path does not take that method.'),
  session_idle: row(408, 'invalid_request_error', 'Nothing was said in the session for too long.'),
  already_exists: row(409, 'invalid_request_error', 'It exists already, with other content.'),
  legal_hold: row(409, 'invalid_request_error', 'A legal hold keeps the data from being erased.'),
  not_covered_yet: row(409, 'invalid_request_error', 'No checkpoint covers it yet: wait as Retry-After says.'),
  body_too_large: row(413, 'request_too_large', 'The request body is larger than the limit.'),
  unsupported_media_type: row(415, 'invalid_request_error', 'The endpoint does not take a body of this content type.'),
  provider_key_refused: row(422, 'invalid_request_error', "The provider does not accept the customer's own key."),
  unpriced_model: row(422, 'invalid_request_error', 'The model has no price, and the policy refuses unpriced calls.'),
  upgrade_required: row(
    426,
    'invalid_request_error',
    'This path speaks WebSocket: ask for it with "Upgrade: websocket".',
  ),
  rate_limit_exceeded: row(429, 'rate_limit_error', 'Too many requests: wait as Retry-After says.'),
  provider_rate_limited: row(
    429,
    'rate_limit_error',
    'The provider takes no more requests for now: wait as Retry-After says.',
  ),
  client_closed_request: row(499, 'api_error', 'The client left before the reply was complete.'),
  internal_error: row(500, 'api_error', 'The gateway met a fault of its own.'),
  provider_error: row(502, 'api_error', 'The provider failed.'),
  provider_malformed: row(502, 'api_error', 'The provider sent a reply that cannot be read.'),
  provider_disconnected: row(502, 'api_error', 'The provider closed the connection before its reply was complete.'),
  provider_unreachable: row(502, 'api_error', 'The provider cannot be reached.'),
  journal_unavailable: row(503, 'overloaded_error', 'The call cannot be recorded now, so it is not made.'),
  audit_unavailable: row(
    503,
    'overloaded_error',
    'The audit log cannot be written now, so nothing is done and nothing is shown.',
  ),
  overloaded: row(503, 'overloaded_error', 'The gateway is at its limit: wait as Retry-After says.'),
  provider_key_unavailable: row(
    503,
    'overloaded_error',
    "The customer's own key for the provider cannot be opened now.",
  ),
  not_ready: row(503, 'overloaded_error', 'The gateway is starting or stopping.'),
  abandoned: row(503, 'api_error', 'The gateway stopped before the call had an outcome.'),
  provider_timeout: row(504, 'api_error', 'The provider did not answer in time.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

interface ErrorInput {
  /** What to add to the table's message: what, where and how to mend it. */
  readonly details?: string;
  /** The path of the faulty field in the request, as `messages[0].content`. */
  readonly param?: string;
  /** The HTTP status to answer with where it is not the table's (a provider's own). */
  readonly status?: number;
  readonly retry_after_s?: number;
  /** The word that a protocol's own SDKs know the fault by, where they act on it: Anthropic's `error_code`. */
  readonly protocol_code?: string;
  readonly cause?: unknown;
}

/** A fault of the world, answered to the client as its row of `ERRORS` says. */
export class OneVaultError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly details: string | null;
  readonly param: string | null;
  readonly retry_after_s: number | null;
  readonly protocol_code: string | null;

  constructor(code: ErrorCode, input: ErrorInput = {}) {
    super(ERRORS[code].message, { cause: input.cause });
    this.name = 'OneVaultError';
    this.code = code;
    this.status = input.status ?? ERRORS[code].status;
    this.type = ERRORS[code].type;
    this.details = input.details ?? null;
    this.param = input.param ?? null;
    this.retry_after_s = input.retry_after_s ?? null;
    this.protocol_code = input.protocol_code ?? null;
  }
}

/** The same error if it is one of ours, else `internal_error` with the cause kept. */
export const asOneVaultError = (error: unknown): OneVaultError =>
  error instanceof OneVaultError ? error : new OneVaultError('internal_error', { cause: error });

function row(status: number, type: string, message: string): ErrorRow {
  return { status, type, message };
}
