import { type IncomingMessage, type RequestListener, type Server, type ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { createPeer, HeldWebSocket, type Peer, type PeerOptions, WEB_SOCKET_OPTIONS } from './web-socket.ts';

/** Selects the requests for a protocol upgrade. Any other request is served as if it had no `Upgrade` header. */
export const UPGRADES: Pick<ServerOptions, 'shouldUpgradeCallback'> = {
  shouldUpgradeCallback: ({ method, headers }) => method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
};

/**
 * Serves requests for WebSocket by the same listener as all others. The listener either responds with HTTP, and the
 * connection closes, or accepts the request with `acceptWebSocket`.
 * @param server created with `UPGRADES`
 */
export const serveUpgrades = (server: Server, listener: RequestListener): void => {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // A broken connection only closes: no client is left to get an error.
    socket.on('error', () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    response.assignSocket(socket);
    response.on('finish', () => {
      response.detachSocket(socket);
      socket.destroySoon();
    });
    listener(request, response);
  });
};

export interface AcceptOptions extends PeerOptions {
  /** Subprotocol chosen from the client's offer; null for none. */
  readonly subprotocol: string | null;
  readonly message_max_bytes: number;
}

// Short enough that routers between the peers do not drop the connection.
const KEEP_ALIVE_MS = 30_000;
const NO_HEAD = Buffer.alloc(0);

/**
 * Accepts a request for WebSocket: responds 101 with the headers of its response.
 * @param response unused response from `serveUpgrades`
 * @returns null if the client has left
 */
export const acceptWebSocket = (
  request: IncomingMessage,
  response: ServerResponse,
  { subprotocol, message_max_bytes, stall_timeout_ms }: AcceptOptions,
): Peer | null => {
  const { socket } = request;
  if (!socket.readable || !socket.writable) return null;
  const server = new WebSocketServer<typeof HeldWebSocket>({
    ...WEB_SOCKET_OPTIONS,
    noServer: true,
    clientTracking: false,
    maxPayload: message_max_bytes,
    WebSocket: HeldWebSocket,
  });
  server.on('headers', (head) => {
    for (const [name, value] of Object.entries(response.getHeaders())) head.push(`${name}: ${value}`);
  });
  response.detachSocket(socket);
  const peers: Peer[] = [];
  server.handleUpgrade(withSubprotocol(request, subprotocol), socket, NO_HEAD, (accepted) => {
    peers.push(createPeer(accepted, socket, { stall_timeout_ms }));
  });
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return peers[0] ?? null;
};

/** The request with one offered subprotocol, because ws takes the first one and refuses malformed lists. */
const withSubprotocol = (request: IncomingMessage, subprotocol: string | null): IncomingMessage => {
  const { 'sec-websocket-protocol': _offered, ...headers } = request.headers;
  const chosen = subprotocol === null ? headers : { ...headers, 'sec-websocket-protocol': subprotocol };
  return Object.create(request, { headers: { value: chosen } }) as IncomingMessage;
};
