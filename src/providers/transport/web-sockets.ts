import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { OneVaultError } from '../../core/errors.ts';
import { createPeer, HeldWebSocket, type Peer, WEB_SOCKET_OPTIONS } from '../../http/web-socket.ts';
import type { Upstream, UpstreamHeaders, UpstreamRequest } from '../contract.ts';
import type { AddressGuard } from './address-guard.ts';
import { transportError } from './transport-error.ts';
import { asUnreachable } from './upstream-caller.ts';

export interface WebSocketRequest extends Pick<UpstreamRequest, 'path' | 'headers'> {
  /** Offered subprotocols in the order of preference. */
  readonly subprotocols: readonly string[];
  /** The largest message that the provider may send. */
  readonly message_max_bytes: number;
}

/** A connection to a provider that accepted the handshake. */
export interface OpenedWebSocket {
  readonly peer: Peer;
  /** Chosen by the provider; null for none. */
  readonly subprotocol: string | null;
}

/** The HTTP response of a provider that refuses the handshake. */
export interface HandshakeRefusal {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: string;
}

/**
 * Opens a WebSocket to a provider, on a new connection.
 * @throws OneVaultError provider_unreachable, provider_timeout, provider_disconnected, provider_malformed;
 *   client_closed_request if `signal` is aborted
 */
export type OpenWebSocket = (
  upstream: Upstream,
  request: WebSocketRequest,
  signal: AbortSignal,
) => Promise<OpenedWebSocket | { readonly refusal: HandshakeRefusal }>;

// Shorter than the time after which routers drop an idle connection.
const KEEP_ALIVE_MS = 30_000;

/** @param guard for addresses of customers */
export const createWebSockets =
  (guard: AddressGuard): OpenWebSocket =>
  async (upstream, request, signal) => {
    const { limits } = upstream;
    if (signal.aborted) throw new OneVaultError('client_closed_request');
    const socket = connect(guard, upstream, request);
    const opened = awaitHandshake(socket, upstream, request);
    const details = `There was no response within ${limits.headers_timeout_ms} ms.`;
    const given_up = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => given_up.reject(new OneVaultError('provider_timeout', { details })),
      limits.headers_timeout_ms,
    );
    const leave = (): void => given_up.reject(new OneVaultError('client_closed_request'));
    signal.addEventListener('abort', leave);
    try {
      return await Promise.race([opened, given_up.promise]);
    } catch (error) {
      socket.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  };

/** @throws OneVaultError provider_unreachable if the guard refuses the address */
const connect = (guard: AddressGuard, upstream: Upstream, request: WebSocketRequest): HeldWebSocket => {
  const { base_url, is_guarded = false, limits } = upstream;
  const { headers, subprotocols, message_max_bytes } = request;
  try {
    if (is_guarded) guard.checkUrl(base_url);
    return new HeldWebSocket(addressOf(upstream, request.path), [], {
      ...WEB_SOCKET_OPTIONS,
      maxPayload: message_max_bytes,
      headers: {
        ...headers,
        'user-agent': 'onevault-gateway',
        ...(subprotocols.length === 0 ? {} : { 'sec-websocket-protocol': subprotocols.join(', ') }),
      },
      ...(is_guarded ? { lookup: guard.lookupFor(base_url) } : {}),
    });
  } catch (error) {
    throw transportError(asUnreachable(error), limits);
  }
};

const addressOf = ({ base_url }: Upstream, path: string): URL => {
  const { origin, pathname } = new URL(base_url);
  return new URL(origin + pathname.replace(/\/+$/, '') + path);
};

const awaitHandshake = (
  socket: HeldWebSocket,
  { limits }: Upstream,
  { subprotocols }: WebSocketRequest,
): ReturnType<OpenWebSocket> =>
  new Promise((resolve, reject) => {
    let subprotocol: string | null = null;
    let connection: Socket | null = null;
    socket.on('upgrade', (response) => {
      connection = response.socket.setKeepAlive(true, KEEP_ALIVE_MS);
      subprotocol = takeSubprotocol(response, subprotocols);
    });
    socket.on('open', () => {
      resolve({ peer: createPeer(socket, connection!, { stall_timeout_ms: limits.idle_timeout_ms }), subprotocol });
    });
    socket.on('unexpected-response', (sent, response) => {
      void readRefusal(response).then((refusal) => {
        sent.destroy();
        resolve({ refusal });
      });
    });
    socket.on('error', (error) => {
      const details = `The provider's answer to the handshake is invalid: ${error.message}.`;
      reject(
        connection !== null ? new OneVaultError('provider_malformed', { details }) : transportError(error, limits),
      );
    });
  });

/**
 * Removes the chosen subprotocol from a response, because ws refuses servers that choose none, although RFC 6455
 * (section 4.1) allows it. A choice that was not offered stays, and ws refuses it.
 */
const takeSubprotocol = ({ headers }: IncomingMessage, offered: readonly string[]): string | null => {
  const chosen = headers['sec-websocket-protocol'];
  if (chosen === undefined || !offered.includes(chosen)) return null;
  delete headers['sec-websocket-protocol'];
  return chosen;
};

// A refusal is a short text. A longer body, such as an HTML page, is not read.
const REFUSAL_MAX_BYTES = 65_536;

const readRefusal = async (response: IncomingMessage): Promise<HandshakeRefusal> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > REFUSAL_MAX_BYTES) break;
      pieces.push(piece);
    }
  } catch {
    // The status is enough.
  }
  const body = bytes > REFUSAL_MAX_BYTES ? '' : Buffer.concat(pieces).toString();
  return { status: response.statusCode ?? 502, headers: response.headers, body };
};
