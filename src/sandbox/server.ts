import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Log, silentLog } from '../core/log.ts';
import { SandboxRefusal } from './call.ts';
import { createRealtime } from './openai/realtime.ts';
import { deliver, prepareText, seedOf } from './respond.ts';
import { type Address, createRoutes, type Route } from './routes.ts';

export interface SandboxOptions {
  /** 0, the default, selects a free port. */
  readonly port?: number;
  readonly host?: string;
  readonly log?: Log;
}

export interface Sandbox {
  /** `http://host:port`, without a final slash. OpenAI's base URL is `${url}/v1`, Anthropic's and Google's is `url`. */
  readonly url: string;
  readonly port: number;
  /** Number of received calls, including refused ones. */
  requests_seen(): number;
  close(): Promise<void>;
}

// The largest limit of a provider, with images (Anthropic: 32 MB).
const BODY_MAX_BYTES = 33_554_432;
// Longer than any client keeps a connection, so that the client always closes it.
const KEEP_ALIVE_MS = 65_000;

/** Starts the emulator of upstream providers; see README.md beside this file. */
export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { port = 0, host = '127.0.0.1', log = silentLog } = options;
  let url = '';
  const routeOf = createRoutes(() => url);
  let seen = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
    seen += 1;
    serve(routeOf(addressOf(request)), request, response, log);
  });
  const realtime = createRealtime();
  server.on('upgrade', (request, socket, head) => {
    seen += 1;
    realtime.upgrade(request, socket, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Workers of a cluster that listen on port 0 share one port, so other calls would come here.
    server.listen({ port, host, exclusive: true }, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  return {
    url,
    port: bound,
    requests_seen: () => seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        realtime.close();
      }),
  };
};

const addressOf = ({ method = 'GET', url = '/', headers }: IncomingMessage): Address => {
  const at = url.indexOf('?');
  return {
    method,
    path: at === -1 ? url : url.slice(0, at),
    query: at === -1 ? '' : url.slice(at + 1),
    speaks_anthropic: headers['anthropic-version'] !== undefined,
  };
};

const serve = (route: Route, request: IncomingMessage, response: ServerResponse, log: Log): void => {
  const { protocol, target, respond, is_open } = route;
  const refuse = (error: unknown, body: string): void => {
    if (!(error instanceof SandboxRefusal))
      log.error({ err: error, path: request.url?.split('?', 1)[0] }, 'sandbox fault');
    const refusal = error instanceof SandboxRefusal ? error : new SandboxRefusal(500, 'The sandbox met a fault.');
    sendRefusal(response, route, refusal, seedOf(body));
  };
  readBody(request, (error, body) => {
    if (error !== null) return refuse(error, body);
    try {
      const query = request.url?.split('?', 2)[1] ?? '';
      const refusal = is_open ? null : protocol.unauthorised(request.headers, query);
      if (refusal !== null) throw refusal;
      respond(body, target, response)?.catch((fault: unknown) => refuse(fault, body));
    } catch (fault) {
      refuse(fault, body);
    }
  });
};

const readBody = (request: IncomingMessage, done: (error: SandboxRefusal | null, body: string) => void): void => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.on('end', () => {
    if (bytes > BODY_MAX_BYTES) done(new SandboxRefusal(413, 'Request exceeds the maximum size'), '');
    else done(null, (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString(encodingOf(request)));
  });
};

/** True for a form, whose bytes are not text. */
const encodingOf = ({ headers }: IncomingMessage): BufferEncoding =>
  headers['content-type']?.startsWith('multipart/') === true ? 'latin1' : 'utf8';

// Statuses with a `retry-after` header.
const RETRIED: ReadonlySet<number> = new Set([429, 503, 529]);

const sendRefusal = (
  response: ServerResponse,
  { protocol, target }: Route,
  refusal: SandboxRefusal,
  seed: string,
): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, retry_after_s } = refusal;
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...protocol.headers(`req_${seed}`, status),
  };
  const wait_s = retry_after_s ?? (RETRIED.has(status) ? 1 : null);
  if (wait_s !== null) headers['retry-after'] = String(wait_s);
  const error = protocol.error(refusal, `req_${seed}`);
  // In a list, the error is the only element.
  const json = JSON.stringify(target.stream === 'list' ? [error] : error);
  deliver(response, prepareText(status, json, headers));
};
