import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Log, silentLog } from '../core/log.ts';
import { anthropicWire, parseAnthropic } from './anthropic.ts';
import { type Json, SandboxRefusal, type Wire } from './call.ts';
import { embeddings, modelList } from './catalog.ts';
import { createChat, parseJson, prepareText, seedOf } from './chat.ts';
import { deliver } from './deliver.ts';
import { openAiWire } from './openai.ts';

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly host?: string;
  readonly log?: Log;
}

export interface Sandbox {
  /** `http://host:port`, without a closing slash: OpenAI's base URL is `${url}/v1`, Anthropic's is `url`. */
  readonly url: string;
  readonly port: number;
  /** Calls that have come in since the start, refused ones included. */
  requests_seen(): number;
  close(): Promise<void>;
}

// What the providers themselves take at most, with images (Anthropic: 32 MB).
const BODY_MAX_BYTES = 33_554_432;
// Longer than any client keeps a connection, so that the client is always the one who closes.
const KEEP_ALIVE_MS = 65_000;

type Answer = (body: string, response: ServerResponse) => Promise<void> | void;

interface Route {
  readonly wire: Wire;
  readonly answer: Answer;
}

/** Starts the emulator of upstream providers; see README.md beside this file. */
export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { port = 0, host = '127.0.0.1', log = silentLog } = options;
  const routes = createRoutes();
  let seen = 0;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
    seen += 1;
    serve(routes, request, response, log);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Cluster's workers that listen on port 0 share one port: another role's calls would come here.
    server.listen({ port, host, exclusive: true }, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    requests_seen: () => seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const createRoutes = (): ReadonlyMap<string, Route> => {
  const json = (wire: Wire, make: (body: Json) => Json): Route => ({
    wire,
    answer: (body, response) => {
      const headers = { 'content-type': 'application/json', [wire.request_id_header]: `req_${seedOf(body)}` };
      deliver(response, prepareText(200, JSON.stringify(make(parseJson(body))), headers));
    },
  });
  return new Map<string, Route>([
    ['POST /v1/chat/completions', { wire: openAiWire, answer: createChat(openAiWire) }],
    ['POST /v1/embeddings', json(openAiWire, embeddings)],
    ['POST /v1/messages', { wire: anthropicWire, answer: createChat(anthropicWire) }],
    [
      'POST /v1/messages/count_tokens',
      json(anthropicWire, (body) => ({ input_tokens: parseAnthropic(body).prompt_tokens })),
    ],
  ]);
};

const serve = (
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): void => {
  const path = pathOf(request.url ?? '/');
  const route = routes.get(`${request.method} ${path}`);
  const wire =
    route?.wire ?? (request.headers['anthropic-version'] === undefined ? openAiWire : anthropicWire);
  const refuse = (error: unknown, body: string): void => {
    if (!(error instanceof SandboxRefusal)) log.error({ err: error, path }, 'sandbox fault');
    const refusal =
      error instanceof SandboxRefusal ? error : new SandboxRefusal(500, 'The sandbox met a fault.');
    sendRefusal(response, wire, refusal, seedOf(body));
  };
  const answer: Answer = (body) => {
    const refusal = unauthorised(wire, request);
    if (refusal !== null) throw refusal;
    if (route !== undefined) return route.answer(body, response);
    if (request.method !== 'GET' || path !== '/v1/models') {
      throw new SandboxRefusal(404, `Invalid URL (${request.method} ${path})`);
    }
    deliver(
      response,
      prepareText(200, JSON.stringify(modelList(wire.protocol)), { 'content-type': 'application/json' }),
    );
  };
  readBody(request, (error, body) => {
    if (error !== null) return refuse(error, body);
    try {
      answer(body, response)?.catch((fault: unknown) => refuse(fault, body));
    } catch (fault) {
      refuse(fault, body);
    }
  });
};

const pathOf = (url: string): string => {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
};

/** Why the caller may not call; null when it may. Any key is good but none and `invalid`. */
const unauthorised = (wire: Wire, { headers }: IncomingMessage): SandboxRefusal | null => {
  const bearer =
    headers.authorization?.startsWith('Bearer ') === true ? headers.authorization.slice(7) : undefined;
  const sent = wire.protocol === 'anthropic' ? (headers['x-api-key'] ?? bearer) : bearer;
  if (sent === undefined || sent === '') return new SandboxRefusal(401, 'You did not provide an API key.');
  if (sent === 'invalid') return new SandboxRefusal(401, 'Incorrect API key provided: invalid.');
  if (wire.protocol === 'anthropic' && headers['anthropic-version'] === undefined) {
    return new SandboxRefusal(400, 'anthropic-version: header is required');
  }
  return null;
};

const readBody = (
  request: IncomingMessage,
  done: (error: SandboxRefusal | null, body: string) => void,
): void => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  });
  request.on('end', () => {
    if (bytes > BODY_MAX_BYTES) done(new SandboxRefusal(413, 'Request exceeds the maximum size'), '');
    else done(null, chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks).toString());
  });
};

const RETRY_AFTER_S = '1';

const sendRefusal = (response: ServerResponse, wire: Wire, refusal: SandboxRefusal, seed: string): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status } = refusal;
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    [wire.request_id_header]: `req_${seed}`,
  };
  if (status === 429 || status === 503 || status === 529) headers['retry-after'] = RETRY_AFTER_S;
  deliver(response, prepareText(status, JSON.stringify(wire.error(refusal, `req_${seed}`)), headers));
};
