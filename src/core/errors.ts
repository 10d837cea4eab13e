/**
 * Every error that a client can get. `type` follows the error types that the SDKs of OpenAI and Anthropic know.
 * docs/reference/errors.md is generated from it.
 */
export const ERRORS = {
  malformed_json: row(400, 'invalid_request_error', 'The request body is not valid JSON. Send valid JSON in UTF-8.'),
  invalid_request: row(
    400,
    'invalid_request_error',
    'The request does not match the schema of this endpoint. Correct it.',
  ),
  unsupported_feature: row(
    400,
    'invalid_request_error',
    'The model does not support a feature of the request. Remove the feature, or choose another model.',
  ),
  provider_rejected: row(
    400,
    'invalid_request_error',
    'The provider refused the request. Correct it as the details say.',
  ),
  missing_api_key: row(
    401,
    'authentication_error',
    'No API key was sent. Send the header "Authorization: Bearer sk_…".',
  ),
  invalid_api_key: row(
    401,
    'authentication_error',
    'The API key is unknown. Check that it was copied completely, or create a new one.',
  ),
  revoked_api_key: row(401, 'authentication_error', 'The API key was revoked. Use another one.'),
  expired_api_key: row(401, 'authentication_error', 'The API key has expired. Create a new one.'),
  budget_exceeded: row(
    402,
    'billing_error',
    'The call could cost more than the rest of the budget. Raise the budget, or limit the output.',
  ),
  forbidden: row(403, 'permission_error', 'The API key lacks the permission for this request. Use a key that has it.'),
  not_found: row(404, 'not_found_error', 'The resource does not exist. Check the path and the id.'),
  model_not_found: row(
    404,
    'not_found_error',
    'The model is unknown or not available to you. Choose one that GET /v1/models lists.',
  ),
  method_not_allowed: row(
    405,
    'invalid_request_error',
    'This path does not support the method. Use one that the Allow header lists.',
  ),
  not_acceptable: row(
    406,
    'invalid_request_error',
    'No form that Accept names is available. Ask for one of those that are listed.',
  ),
  session_idle: row(408, 'invalid_request_error', 'The session was idle for too long. Open a new one.'),
  already_exists: row(
    409,
    'invalid_request_error',
    'It exists already with other content. Choose another name, or change the existing one.',
  ),
  legal_hold: row(
    409,
    'invalid_request_error',
    'A legal hold forbids the erasure of the data. Release the hold first.',
  ),
  not_covered_yet: row(
    409,
    'invalid_request_error',
    'No checkpoint covers the record yet. Retry after the time in Retry-After.',
  ),
  already_executed: row(
    409,
    'invalid_request_error',
    'A call with this Idempotency-Key was executed already, and its response is not stored. Use its result, or send a new key.',
  ),
  request_in_progress: row(
    409,
    'invalid_request_error',
    'A request with this Idempotency-Key is still running. Retry after the time in Retry-After.',
  ),
  wrong_state: row(409, 'invalid_request_error', 'The state of the resource does not allow this request.'),
  version_conflict: row(
    412,
    'invalid_request_error',
    'The resource has changed since the version in If-Match. Read it again, and repeat the change.',
  ),
  body_too_large: row(413, 'request_too_large', 'The request body exceeds the limit. Send a smaller one.'),
  unsupported_media_type: row(
    415,
    'invalid_request_error',
    'The endpoint does not accept a body of this content type. Send one of a type that it accepts.',
  ),
  validation_error: row(422, 'invalid_request_error', 'The request has invalid fields. Correct each one.'),
  idempotency_key_reused: row(
    422,
    'invalid_request_error',
    'The Idempotency-Key belongs to a request with another body. Send a new key with a new request.',
  ),
  provider_key_refused: row(
    422,
    'invalid_request_error',
    "The provider refused the customer's own key. Store a valid key.",
  ),
  unpriced_model: row(
    422,
    'invalid_request_error',
    'The model has no price, and the policy refuses unpriced calls. Set a price, or change the policy.',
  ),
  upgrade_required: row(426, 'invalid_request_error', 'This path requires WebSocket. Send "Upgrade: websocket".'),
  precondition_required: row(
    428,
    'invalid_request_error',
    'The change needs the version that it applies to. Send its ETag in If-Match.',
  ),
  rate_limit_exceeded: row(429, 'rate_limit_error', 'The rate limit is reached. Retry after the time in Retry-After.'),
  provider_rate_limited: row(
    429,
    'rate_limit_error',
    "The provider's rate limit is reached. Retry after the time in Retry-After.",
  ),
  client_closed_request: row(
    499,
    'api_error',
    'The client closed the connection before the response was complete. Send the request again if it is still needed.',
  ),
  internal_error: row(
    500,
    'api_error',
    'The gateway failed because of an internal fault. Retry, and report the request id if it fails again.',
  ),
  provider_error: row(502, 'api_error', 'The provider failed. Retry, or choose another provider.'),
  provider_malformed: row(
    502,
    'api_error',
    'The provider sent a response that cannot be read. Retry, or choose another provider.',
  ),
  provider_disconnected: row(
    502,
    'api_error',
    'The provider closed the connection before its response was complete. Retry the request.',
  ),
  provider_unreachable: row(
    502,
    'api_error',
    'The provider cannot be reached. Retry later, or choose another provider.',
  ),
  journal_unavailable: row(
    503,
    'overloaded_error',
    'The call was not made, because the journal cannot record it now. Retry later.',
  ),
  audit_unavailable: row(
    503,
    'overloaded_error',
    'Nothing was done or shown, because the audit log cannot be written now. Retry later.',
  ),
  database_unavailable: row(
    503,
    'overloaded_error',
    'Nothing was read, because the database does not respond now. Retry later.',
  ),
  idempotency_unavailable: row(
    503,
    'overloaded_error',
    'Nothing was done, because the Idempotency-Key cannot be checked now. Retry later.',
  ),
  overloaded: row(503, 'overloaded_error', 'The gateway is at its limit. Retry after the time in Retry-After.'),
  provider_key_unavailable: row(
    503,
    'overloaded_error',
    "The customer's own key for the provider cannot be decrypted now. Retry later.",
  ),
  not_ready: row(503, 'overloaded_error', 'The gateway is starting or stopping. Retry in a few seconds.'),
  abandoned: row(
    503,
    'api_error',
    'The gateway stopped before the call had an outcome. Send the request again if it is still needed.',
  ),
  provider_timeout: row(504, 'api_error', 'The provider did not respond in time. Retry, or choose another provider.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

interface ErrorRow {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** One fault of a request. */
export interface FieldFault {
  /** A JSON Pointer into the body (RFC 6901), or `query.name`, `path.name`, `header.name`. */
  readonly path: string;
  /** Code for programs, as `required`, `type` or `reserved_name`. */
  readonly code: string;
  readonly message: string;
}

interface ErrorInput {
  /** Text after the table's message: the fault, its place and its cure. */
  readonly details?: string;
  /** Path of the faulty field in the request, as `messages[0].content`. */
  readonly param?: string;
  /** HTTP status of the response if it differs from the table's (a provider's own status). */
  readonly status?: number;
  readonly retry_after_s?: number;
  /** Name of the fault that a protocol's own SDKs act on, as Anthropic's `error_code`. */
  readonly protocol_code?: string;
  /** More specific code for programs. */
  readonly reason?: string;
  /** All faults, for an error about fields. */
  readonly faults?: readonly FieldFault[];
  /** Further data that a program needs to continue, as the current ETag. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A fault that the client gets as its row of `ERRORS` describes it. */
export class OneVaultError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly details: string | null;
  readonly param: string | null;
  readonly retry_after_s: number | null;
  readonly protocol_code: string | null;
  readonly reason: string | null;
  readonly faults: readonly FieldFault[];
  readonly context: Readonly<Record<string, unknown>>;

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
    this.reason = input.reason ?? null;
    this.faults = input.faults ?? [];
    this.context = input.context ?? {};
  }
}

/** The same error if it is a `OneVaultError`, else `internal_error` with the cause kept. */
export const asOneVaultError = (error: unknown): OneVaultError =>
  error instanceof OneVaultError ? error : new OneVaultError('internal_error', { cause: error });

function row(status: number, type: string, message: string): ErrorRow {
  return { status, type, message };
}
