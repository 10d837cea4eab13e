import { instantOf } from '../core/clock.ts';
import type { OneVaultError } from '../core/errors.ts';

/** The body of an error: a superset of the fields that clients of OpenAI's protocol and of our own API read. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: string | null;
    readonly status: number;
    readonly request_id: string;
    readonly timestamp: string;
    readonly type: string;
    readonly param: string | null;
  };
}

/** `message` carries the details too, because SDKs show nothing else. */
export const errorEnvelope = (error: OneVaultError, request_id: string, now_ms: number): ErrorEnvelope => ({
  error: {
    code: error.code,
    message: error.details === null ? error.message : `${error.message} ${error.details}`,
    details: error.details,
    status: error.status,
    request_id,
    timestamp: instantOf(now_ms),
    type: error.type,
    param: error.param,
  },
});
