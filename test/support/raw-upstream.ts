import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A provider that writes raw bytes, for responses that no HTTP server would send. */
export interface RawUpstream {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** Number of connections since the start. */
  readonly connections: () => number;
  /** Sets the response to all further requests. `request` is the received head and body. */
  script(answer: (socket: Socket, request: string) => void): void;
  close(): Promise<void>;
}

export const startRawUpstream = async (): Promise<RawUpstream> => {
  const sockets = new Set<Socket>();
  let connections = 0;
  let answer: (socket: Socket, request: string) => void = (socket) => socket.destroy();
  const server = createServer({ noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    let request = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      request += data.toString();
      if (!isWhole(request)) return;
      const whole = request;
      request = '';
      answer(socket, whole);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    script: (next) => {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

const isWhole = (request: string): boolean => {
  const end = request.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const [, length = '0'] = /^content-length: *(\d+)/im.exec(request.slice(0, end)) ?? [];
  return Buffer.byteLength(request.slice(end + 4)) >= Number(length);
};

const STATUS = 'HTTP/1.1 200 OK\r\n';

/** The head of a response with events in chunks. */
export const STREAM_HEAD = `${STATUS}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`;

/** The head of a complete response. @param length its Content-Length */
export const wholeHead = (length: number | string, type = 'application/json'): string =>
  `${STATUS}content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;

/** A chunk of a body. */
export const chunkOf = (bytes: string | Buffer): Buffer => {
  const given = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(`${given.length.toString(16)}\r\n`), given, Buffer.from('\r\n')]);
};

/** The end of a body in chunks. */
export const LAST_CHUNK = '0\r\n\r\n';

/** Writes pieces as fast as the socket accepts them, until there are no more or the connection closes. */
export const pour = (socket: Socket, next: () => Buffer | string | null): void => {
  const more = (): void => {
    while (!socket.destroyed) {
      const piece = next();
      if (piece === null) return;
      if (!socket.write(piece)) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
};
