import type { IncomingMessage } from 'node:http';
import { OneVaultError } from '../../../core/errors.ts';
import { KEY_PROTOCOL } from '../../identify.ts';

/** A client's request for a WebSocket. */
export interface Handshake {
  /** Offered by the client, without those that the provider must not see. */
  readonly subprotocols: readonly string[];
}

// They name the client's own account at OpenAI, but the session uses another account.
const OWN_SUBPROTOCOLS = [KEY_PROTOCOL, 'openai-organization.', 'openai-project.'];
// 16 bytes in base64 (RFC 6455, section 4.2.1).
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
// RFC 9110, section 5.6.2.
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** @throws OneVaultError upgrade_required, invalid_request */
export const readHandshake = ({ headers }: IncomingMessage): Handshake => {
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw new OneVaultError('upgrade_required');
  if (headers['sec-websocket-version'] !== '13') {
    throw new OneVaultError('upgrade_required', {
      details: 'The header sec-websocket-version must be 13 (RFC 6455).',
    });
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key)) {
    throw new OneVaultError('invalid_request', {
      param: 'sec-websocket-key',
      details: 'The header sec-websocket-key must be 16 bytes in base64.',
    });
  }
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const subprotocols = offered.filter(
    (name) => TOKEN.test(name) && !OWN_SUBPROTOCOLS.some((own) => name.startsWith(own)),
  );
  return { subprotocols: [...new Set(subprotocols)] };
};
