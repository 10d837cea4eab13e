import assert from 'node:assert/strict';
import { asOneVaultError, ERRORS, type ErrorCode, OneVaultError } from '../../src/core/errors.ts';

// The error types that the SDKs of OpenAI and Anthropic distinguish.
const TYPES = [
  'api_error',
  'authentication_error',
  'billing_error',
  'invalid_request_error',
  'not_found_error',
  'overloaded_error',
  'permission_error',
  'rate_limit_error',
  'request_too_large',
];

describe('the table of errors', () => {
  it('gives each error a code in snake case, an HTTP status, a type that SDKs know, and a message of whole sentences', () => {
    for (const [code, { status, type, message }] of Object.entries(ERRORS)) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(status >= 400 && status <= 599, code);
      assert.ok(TYPES.includes(type), `${code}: ${type}`);
      assert.match(message, /^[A-Z].*[.…]$/, code);
    }
  });

  it('contains no message twice', () => {
    const messages = Object.values(ERRORS).map(({ message }) => message);
    assert.equal(new Set(messages).size, messages.length);
  });
});

describe('a OneVaultError', () => {
  it('has the status, type and message of its row, for every row', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const error = new OneVaultError(code);
      const { status, type, message } = ERRORS[code];
      assert.deepEqual(
        { ...error, message: error.message },
        {
          code,
          status,
          type,
          message,
          name: 'OneVaultError',
          details: null,
          param: null,
          retry_after_s: null,
          protocol_code: null,
          reason: null,
          faults: [],
          context: {},
        },
      );
      assert.equal(error.cause, undefined);
    }
  });

  it("accepts the provider's own status, the details with the faulty field, and a cause", () => {
    const cause = new Error('below');
    const error = new OneVaultError('provider_rejected', {
      cause,
      details: 'too long',
      param: 'messages[0]',
      status: 422,
      retry_after_s: 3,
    });
    assert.deepEqual(
      [error.status, error.details, error.param, error.retry_after_s, error.cause],
      [422, 'too long', 'messages[0]', 3, cause],
    );
    assert.equal(error.message, ERRORS.provider_rejected.message);
  });

  it('stays unchanged, while any other error becomes internal_error, which keeps its cause and reveals nothing of it', () => {
    const ours = new OneVaultError('not_found');
    assert.equal(asOneVaultError(ours), ours);
    for (const thrown of [new TypeError('secret'), 'secret', undefined, null, { code: 'not_found' }]) {
      const error = asOneVaultError(thrown);
      assert.deepEqual([error.code, error.status, error.details], ['internal_error', 500, null]);
      assert.equal(error.cause, thrown);
      assert.doesNotMatch(error.message, /secret/);
    }
  });
});
