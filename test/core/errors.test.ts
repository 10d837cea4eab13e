import assert from 'node:assert/strict';
import { asOneVaultError, ERRORS, type ErrorCode, OneVaultError } from '../../src/core/errors.ts';

// What the SDKs of OpenAI and Anthropic tell apart.
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
  it('has for each a code in snake case, an HTTP status, a type that SDKs know and a sentence', () => {
    for (const [code, { status, type, message }] of Object.entries(ERRORS)) {
      assert.match(code, /^[a-z]+(_[a-z]+)*$/);
      assert.ok(status >= 400 && status <= 599, code);
      assert.ok(TYPES.includes(type), `${code}: ${type}`);
      assert.match(message, /^[A-Z].*[.…]$/, code);
    }
  });

  it('says each thing once', () => {
    const messages = Object.values(ERRORS).map(({ message }) => message);
    assert.equal(new Set(messages).size, messages.length);
  });
});

describe('an error', () => {
  it('is what its row says, for every row', () => {
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
        },
      );
      assert.equal(error.cause, undefined);
    }
  });

  it("takes a provider's own status, what went wrong where, and its cause", () => {
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

  it('of ours passes as it is; anything else becomes a fault of our own that keeps its cause and shows nothing of it', () => {
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
