import type { IncomingMessage } from 'node:http';
import { OneVaultError } from '../../../core/errors.ts';
import { KEY_PROTOCOL } from '../../identify.ts';

/** How a client asks for a WebSocket. */
export interface Handshake {
  /** Offered by the client, without those that only the gateway may see. */
  readonly subprotocols: readonly string[];
}

// Names of the client's own account at OpenAI, which is not the account that the session is opened with.
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
      details: 'Of WebSocket, version 13 is spoken (RFC 6455).',
    });
  }
  const key = headers['sec-websocket-key'];
  if (key === undefined || !KEY.test(key)) {
    throw new OneVaultError('invalid_request', {
      param: 'sec-websocket-key',
      details: 'The header sec-websocket-key is 16 bytes in base64.',
    });
  }
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const subprotocols = offered.filter(
    (name) => TOKEN.test(name) && !OWN_SUBPROTOCOLS.some((own) => name.startsWith(own)),
  );
  return { subprotocols: [...new Set(subprotocols)] };
};
