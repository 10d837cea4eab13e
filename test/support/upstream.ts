import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that a provider received. */
export interface Received {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** `body`, undecoded. */
  readonly bytes: Buffer;
}

/** A scripted provider, for responses that the sandbox never gives. */
export interface ScriptedUpstream {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly received: Received[];
  /** Sets the response to all further requests. */
  script(answer: (response: ServerResponse, request: Received) => void): void;
  close(): Promise<void>;
}

export const startScriptedUpstream = async (): Promise<ScriptedUpstream> => {
  const received: Received[] = [];
  let answer: (response: ServerResponse, request: Received) => void = (response) => response.end('{}');
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { url = '', headers } = request;
    const bytes = Buffer.concat(chunks);
    const whole = { url, headers, bytes, body: bytes.toString() };
    received.push(whole);
    answer(response, whole);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    script: (next) => {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** Responds with a JSON text, unchanged. */
export const sendJson = (response: ServerResponse, text: string, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
};

/** Responds with a stream. Each frame is the data of one event. */
export const sendFrames = (response: ServerResponse, frames: readonly string[]): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(frames.map((frame) => `data: ${frame}\n\n`).join(''));
};
