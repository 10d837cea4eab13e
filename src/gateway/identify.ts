import type { IncomingMessage } from 'node:http';
import { type ApiKey, type Customer, findApiKey, type Snapshot } from '../catalog/snapshot.ts';
import { OneVaultError } from '../core/errors.ts';
import { clientAddress } from '../http/client-address.ts';

/** API key of a request, and the reason if the key may not be used. */
export interface Identity {
  readonly api_key: ApiKey | null;
  readonly customer: Customer | null;
  readonly refusal: OneVaultError | null;
}

const SCOPE = 'calls';

/** Finds the API key of a request, and the key's customer. */
export const identify = (snapshot: Snapshot, request: IncomingMessage, now_ms: number): Identity => {
  const secrets = sentKeys(request);
  if (secrets.size > 1) {
    const refusal = new OneVaultError('invalid_request', { details: DIFFERENT_KEYS });
    return { api_key: null, customer: null, refusal };
  }
  const [secret = null] = secrets;
  const api_key = secret === null ? null : findApiKey(snapshot, secret);
  if (api_key === null) {
    const refusal = new OneVaultError(secret === null ? 'missing_api_key' : 'invalid_api_key');
    return { api_key, customer: null, refusal };
  }
  const customer = api_key.customer === null ? null : (snapshot.customers.get(api_key.customer) ?? null);
  return { api_key, customer, refusal: refusalOf(api_key, customer, request, now_ms) };
};

const refusalOf = (
  api_key: ApiKey,
  customer: Customer | null,
  request: IncomingMessage,
  now_ms: number,
): OneVaultError | null => {
  if (api_key.is_revoked) return new OneVaultError('revoked_api_key');
  if (api_key.expires_at_ms !== null && api_key.expires_at_ms <= now_ms) {
    return new OneVaultError('expired_api_key');
  }
  if (customer === null || !api_key.scopes.includes(SCOPE)) {
    return new OneVaultError('forbidden', { details: 'Use an API key of a customer with the scope "calls".' });
  }
  if (!customer.is_active)
    return new OneVaultError('forbidden', { details: 'The customer is suspended. Ask the operator to activate it.' });
  if (api_key.allowed_ips !== null && !api_key.allowed_ips.includes(clientAddress(request))) {
    return new OneVaultError('forbidden', {
      details: 'The key is not allowed from this IP address. Add the address to allowed_ips.',
    });
  }
  return null;
};

/**
 * The keys of a request, equal ones once: from `Authorization: Bearer` (OpenAI's SDKs), `x-api-key` (Anthropic's) or
 * `x-goog-api-key` (Google's); on Google's paths also from the query, as in Google's curl examples, and for a WebSocket
 * from its subprotocols.
 */
const sentKeys = ({ headers, url = '' }: IncomingMessage): ReadonlySet<string> => {
  const keys = new Set<string>();
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  if (bearer !== undefined) keys.add(bearer);
  for (const name of ['x-api-key', 'x-goog-api-key']) {
    const header = headers[name];
    if (typeof header === 'string' && header !== '') keys.add(header);
  }
  const other = GOOGLE_PATHS.test(url) ? keyInQuery(url) : keyInProtocols(headers);
  return other === null ? keys : keys.add(other);
};

const DIFFERENT_KEYS = 'The request has different API keys in its headers or its query. Send one key.';

/** Browsers can set no other header of a WebSocket than its subprotocols. OpenAI's clients put the key there. */
const keyInProtocols = (headers: IncomingMessage['headers']): string | null =>
  headers['sec-websocket-protocol']
    ?.split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(KEY_PROTOCOL) && name.length > KEY_PROTOCOL.length)
    ?.slice(KEY_PROTOCOL.length) ?? null;

export const KEY_PROTOCOL = 'openai-insecure-api-key.';

const GOOGLE_PATHS = /^\/v1(?:beta)?\/models(?=[/?]|$)/;

const keyInQuery = (url: string): string | null => {
  const query = url.indexOf('?');
  const key = query === -1 ? null : new URLSearchParams(url.slice(query + 1)).get('key');
  return key === '' ? null : key;
};
