import { errors } from 'undici';
import { OneVaultError } from '../../core/errors.ts';
import type { UpstreamLimits } from '../contract.ts';

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

// Node's codes for a failed TLS handshake: the server is reachable, but not trusted.
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/;
const UNREADABLE_CODE = /^(?:UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/;
// Codes of Node's own HTTP parser.
const PARSER_CODE = /^HPE_/;

const NOT_HTTP = 'The response is not valid HTTP.';

/** The client's error for a transport fault, by the code of undici or Node. Hosts stay in `cause`. */
export const transportError = (error: unknown, limits: UpstreamLimits): OneVaultError => {
  if (error instanceof OneVaultError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (UNREACHABLE.has(code) || TLS_CODE.test(code)) return new OneVaultError('provider_unreachable', cause);
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    const details = `No response arrived within ${limits.headers_timeout_ms} ms.`;
    return new OneVaultError('provider_timeout', { details, ...cause });
  }
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    const details = `The response made no progress for ${limits.idle_timeout_ms} ms.`;
    return new OneVaultError('provider_timeout', { details, ...cause });
  }
  // A parser's error contains the bytes of the response, which must not be logged, so only its message is kept.
  if (error instanceof errors.HTTPParserError || (error instanceof Error && PARSER_CODE.test(code))) {
    return new OneVaultError('provider_malformed', { details: NOT_HTTP, cause: error.message });
  }
  if (UNREADABLE_CODE.test(code)) {
    return new OneVaultError('provider_malformed', { details: NOT_HTTP, ...cause });
  }
  if (code === 'UND_ERR_INVALID_ARG') return new OneVaultError('internal_error', cause);
  return new OneVaultError('provider_disconnected', cause);
};

/** The first code in the chain of causes. A connection tried on several addresses has one error for each. */
const codeOf = (error: unknown): string => {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return '';
};
