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

// What Node names a TLS handshake that failed: the provider is there, but not the one we trust.
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/;
const UNREADABLE_CODE = /^(?:UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/;

const NOT_HTTP = 'The reply is not HTTP as it should be.';

/** The client's error for a fault on the wire, by undici's or Node's code of it. Hosts stay in `cause`. */
export const transportError = (error: unknown, limits: UpstreamLimits): OneVaultError => {
  if (error instanceof OneVaultError) return error;
  const code = codeOf(error);
  const cause = { cause: error };
  if (UNREACHABLE.has(code) || TLS_CODE.test(code)) return new OneVaultError('provider_unreachable', cause);
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    const details = `There was no reply within ${limits.headers_timeout_ms} ms.`;
    return new OneVaultError('provider_timeout', { details, ...cause });
  }
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    const details = `The reply stood still for ${limits.idle_timeout_ms} ms.`;
    return new OneVaultError('provider_timeout', { details, ...cause });
  }
  // A parser's error carries the bytes of the reply, which no log may hold: its message alone is kept.
  if (error instanceof errors.HTTPParserError) {
    return new OneVaultError('provider_malformed', { details: NOT_HTTP, cause: error.message });
  }
  if (UNREADABLE_CODE.test(code)) {
    return new OneVaultError('provider_malformed', { details: NOT_HTTP, ...cause });
  }
  if (code === 'UND_ERR_INVALID_ARG') return new OneVaultError('internal_error', cause);
  return new OneVaultError('provider_disconnected', cause);
};

/** The first code on the chain of causes; a connection tried on several addresses has one an address. */
const codeOf = (error: unknown): string => {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return '';
};
