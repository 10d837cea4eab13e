import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

/** A proxy before PostgreSQL that interferes with its first connection; later connections pass unchanged. */
export interface CutProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** After the server's first `messages` messages: `tail` for the client, then the end or the next ReadyForQuery. */
export interface Cut {
  readonly messages: number;
  readonly tail: Buffer;
  readonly ends: boolean;
}

/** The offset behind each whole message of a server's stream (PostgreSQL's manual, "Message Formats"). */
export const messageEnds = (stream: Buffer): number[] => {
  const ends: number[] = [];
  for (let at = 0; at + 5 <= stream.length; ) {
    at += 1 + stream.readUInt32BE(at + 1);
    if (at <= stream.length) ends.push(at);
  }
  return ends;
};

/** An ErrorResponse with a severity and an SQLSTATE, as the server sends it. */
export const errorMessage = (severity: 'ERROR' | 'FATAL', code: string): Buffer => {
  const fields = Buffer.from(`S${severity}\0V${severity}\0C${code}\0Mmade by a test\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeUInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
};

const READY = Buffer.from('Z\0\0\0\x05I');

/** @param cut null to pass everything; `seen` gets the whole stream of the first connection so far */
export const startCutProxy = async (
  url: string,
  cut: Cut | null,
  seen: (stream: Buffer) => void = () => undefined,
): Promise<CutProxy> => {
  const address = new URL(url);
  const postgres = { host: address.hostname, port: Number(address.port), noDelay: true };
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    const upstream = dial(postgres);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        upstream.destroy();
        client.end();
      });
    }
    client.on('data', (chunk) => upstream.write(chunk));
    connections += 1;
    const pass = connections === 1 ? interfering(client, cut, seen) : (chunk: Buffer) => client.write(chunk);
    upstream.on('data', pass);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: address.href,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const interfering = (client: Socket, cut: Cut | null, seen: (stream: Buffer) => void): ((chunk: Buffer) => void) => {
  let stream = Buffer.alloc(0);
  let state: 'before' | 'skipping' | 'after' = 'before';
  const pass = (chunk: Buffer): void => {
    if (state === 'after' || cut === null) client.write(chunk);
    else if (state === 'before') {
      const end = cut.messages === 0 ? 0 : messageEnds(stream)[cut.messages - 1];
      const start = stream.length - chunk.length;
      if (end === undefined) client.write(chunk);
      else {
        client.write(Buffer.concat([chunk.subarray(0, Math.max(0, end - start)), cut.tail]));
        state = 'skipping';
        if (cut.ends) client.destroySoon();
        else pass(stream.subarray(end));
      }
    } else {
      const ready = chunk.indexOf(READY);
      if (ready === -1) return;
      state = 'after';
      client.write(chunk.subarray(ready));
    }
  };
  return (chunk) => {
    stream = Buffer.concat([stream, chunk]);
    seen(stream);
    pass(chunk);
  };
};
