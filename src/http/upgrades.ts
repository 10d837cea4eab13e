import { type IncomingMessage, type RequestListener, type Server, type ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Which requests for another protocol are taken as such; others are served as if they had asked for none. */
export const UPGRADES: Pick<ServerOptions, 'shouldUpgradeCallback'> = {
  shouldUpgradeCallback: ({ method, headers }) => method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket',
};

/**
 * Serves requests to speak WebSocket by the same listener as all others: it may answer them as HTTP, and then the
 * connection is closed, or detach the socket from its response and speak there as it likes.
 * @param server made with `UPGRADES`
 */
export const serveUpgrades = (server: Server, listener: RequestListener): void => {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // A connection that breaks off closes; there is nobody left to tell.
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
