import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { OneVaultError } from '../../core/errors.ts';
import { clientAddress } from '../../http/client-address.ts';
import type { Call } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';

// The key is valid, but not for this.
const FORBIDDEN = 403;

/**
 * The refusal of a request without a valid key: the same, or rate_limit_exceeded beyond the limit of its address. A
 * valid key is never limited by its address, because many customers may share one.
 */
export const limitedRefusal = (
  { refused_keys, refused_keys_per_minute, clock }: GatewayDeps,
  request: IncomingMessage,
  refusal: OneVaultError,
): OneVaultError => {
  if (refusal.status === FORBIDDEN) return refusal;
  const decision = refused_keys.take(networkOf(clientAddress(request)), refused_keys_per_minute, clock.now());
  if (decision.allowed) return refusal;
  return new OneVaultError('rate_limit_exceeded', {
    details:
      `The address sent more than ${refused_keys_per_minute} requests without a valid API key within a minute. ` +
      `Send a valid key, or retry after ${decision.retry_after_s} s.`,
    retry_after_s: decision.retry_after_s,
  });
};

// A customer of a network gets 2^64 addresses of IPv6 (RFC 6177).
const NETWORK_PARTS = 4;

const networkOf = (address: string): string => {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const given = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - given.flat().length) }, () => '0');
  return [...given[0]!, ...(tail === undefined ? [] : zeros), ...given[1]!].slice(0, NETWORK_PARTS).join(':');
};

// Refusals of a key that is no key, or is no longer one. A suspended customer's key gets 403, which is always recorded.
const UNAUTHENTICATED = 401;

/**
 * True if a call gets a record. Without a valid key, only the first of an address and a reason within a minute does; the
 * others are counted in one event of the audit log, so that a flood does not fill the vault.
 */
export const isRecorded = ({ countRefusedKey }: GatewayDeps, call: Call): boolean => {
  const { api_key, customer, error, protocol, ctx, request_id } = call;
  if (error === null || (api_key !== null && error.status !== UNAUTHENTICATED)) return true;
  const is_first = countRefusedKey({
    error,
    api_key: api_key?.api_key ?? null,
    customer: customer?.customer ?? null,
    endpoint: `${ctx.method} ${protocol.endpoint}`,
    request_id,
    request_ip: clientAddress(ctx.req),
    user_agent: ctx.req.headers['user-agent'] ?? null,
  });
  // A receipt is of a record.
  if (!is_first && !ctx.res.headersSent) ctx.remove('x-onevault-receipt');
  return is_first;
};
