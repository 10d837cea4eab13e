import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { isJsonObject, type Json, SandboxRefusal } from '../call.ts';
import { seedOf } from '../respond.ts';
import { openAi } from './protocol.ts';
import { createRealtimeSession } from './realtime-session.ts';

export interface Realtime {
  /** Answers a request for WebSocket: with a session at `/v1/realtime?model=…`, elsewhere with a refusal. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Drops every session. */
  close(): void;
}

const MESSAGE_MAX_BYTES = 16_777_216;
const KEY_PROTOCOL = 'openai-insecure-api-key.';

/** OpenAI's realtime sessions over WebSocket, in text only. */
export const createRealtime = (): Realtime => {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_MAX_BYTES,
    // A browser sends its key as a subprotocol, which is never sent back.
    handleProtocols: (offered) => [...offered].find((name) => !name.startsWith(KEY_PROTOCOL)) ?? false,
  });
  return {
    upgrade: (request, socket, head) => {
      try {
        const model = modelOf(request);
        server.handleUpgrade(request, socket, head, (connection) => {
          serve(connection, model, seedOf(request.url ?? ''));
        });
      } catch (error) {
        refuse(socket, error instanceof SandboxRefusal ? error : new SandboxRefusal(500, 'The sandbox met a fault.'));
      }
    },
    close: () => {
      for (const connection of server.clients) connection.terminate();
    },
  };
};

/** The requested model. @throws SandboxRefusal */
const modelOf = ({ url = '', headers }: IncomingMessage): string => {
  const { pathname, searchParams } = new URL(url, 'http://sandbox');
  if (pathname !== '/v1/realtime') throw new SandboxRefusal(404, `Invalid URL (GET ${pathname})`);
  const key = (headers['sec-websocket-protocol'] ?? '')
    .split(/\s*,\s*/)
    .find((name) => name.startsWith(KEY_PROTOCOL))
    ?.slice(KEY_PROTOCOL.length);
  const authorization = headers.authorization ?? `Bearer ${key ?? ''}`;
  const refusal = openAi.unauthorised({ authorization }, '');
  if (refusal !== null) throw refusal;
  const model = searchParams.get('model');
  if (model === null || model === '') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  return model;
};

const refuse = (socket: Duplex, refusal: SandboxRefusal): void => {
  const body = JSON.stringify(openAi.error(refusal, ''));
  const head = [
    `HTTP/1.1 ${refusal.status} Refused`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  // Without a listener, a client that has left would end the process.
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};

const serve = (connection: WebSocket, model: string, seed: string): void => {
  const gone = new AbortController();
  const receive = createRealtimeSession({
    model,
    seed,
    signal: gone.signal,
    send: (text) => connection.send(text),
    drop: () => connection.terminate(),
  });
  connection.on('close', () => gone.abort());
  // After a broken frame the client cannot read an error event.
  connection.on('error', () => connection.terminate());
  connection.on('message', (data, is_binary) => receive(is_binary ? null : parse(data)));
};

const parse = (data: RawData): Json | null => {
  try {
    const json: unknown = JSON.parse(String(data));
    return isJsonObject(json) ? json : null;
  } catch {
    return null;
  }
};
