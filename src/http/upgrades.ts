import { type IncomingMessage, type RequestListener, type Server, type ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Selects the requests for a protocol upgrade. Any other request is served as if it had no `Upgrade` header. */
export const UPGRADES: Pick<ServerOptions, 'shouldUpgradeCallback'> = {
  shouldUpgradeCallback: ({ method, headers }) => method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
};

/**
 * Serves requests for WebSocket by the same listener as all others. The listener either responds with HTTP, and the
 * connection closes, or detaches the socket from its response and uses it.
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
