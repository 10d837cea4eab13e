import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A scripted provider of realtime sessions. */
export interface RealtimeProvider {
  /** Base URL. */
  readonly url: string;
  /** Received handshakes. */
  readonly handshakes: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** Sets the behaviour of all further sessions. */
  script(serve: (session: WebSocket, socket: Socket) => void): void;
  /** Refuses all further handshakes with a status. */
  refuse(status: number, body?: string): void;
  close(): Promise<void>;
}

export const startRealtimeProvider = async (): Promise<RealtimeProvider> => {
  const handshakes: RealtimeProvider['handshakes'] = [];
  const sockets = new Set<Socket>();
  let serve: (session: WebSocket, socket: Socket) => void = () => {};
  let refusal: { status: number; body: string } | null = null;
  const server = createServer();
  const sessions = new WebSocketServer({ noServer: true, maxPayload: 2 ** 27 });
  server.on('upgrade', (request, socket: Socket, head) => {
    sockets.add(socket);
    socket.on('error', () => {});
    handshakes.push({ path: request.url ?? '', headers: request.headers });
    if (refusal !== null) {
      const { status, body } = refusal;
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return;
    }
    sessions.handleUpgrade(request, socket, head, (session) => {
      session.on('error', () => {});
      serve(session, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    handshakes,
    script: (next) => {
      refusal = null;
      serve = next;
    },
    refuse: (status, body = '{}') => {
      refusal = { status, body };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
