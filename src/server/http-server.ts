import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { StartupError } from '../core/startup-error.ts';
import { refuseUnreadable } from '../http/unreadable-requests.ts';
import { serveUpgrades, UPGRADES } from '../http/upgrades.ts';

// Longer than load balancers keep a connection (AWS and nginx: 60 s), so that they close it first.
const KEEP_ALIVE_MS = 75_000;
// Time limit for a client to send its whole request.
const REQUEST_TIMEOUT_MS = 120_000;

export interface HttpServerOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** Longest wait of `close` for current calls. */
  readonly shutdown_timeout_ms: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly nextId: NextId;
}

/** A listening HTTP server. */
export interface HttpServer {
  readonly url: string;
  /** Accepts no more connections, waits for current calls, and cuts those beyond the shutdown timeout. */
  close(): Promise<void>;
}

/**
 * Listens for HTTP requests and WebSocket upgrades.
 * @throws StartupError if the address is not available, with the setting to change
 */
export const startHttpServer = async (listener: RequestListener, options: HttpServerOptions): Promise<HttpServer> => {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_TIMEOUT_MS, noDelay: true, ...UPGRADES },
    listener,
  );
  serveUpgrades(server, listener);
  refuseUnreadable(server, options.clock, options.nextId);
  const url = await listen(server, options);
  return { url, close: () => closeServer(server, options) };
};

const listen = (server: Server, { host, port }: HttpServerOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const text = {
        EADDRINUSE: `PORT=${port}: another program listens there; stop it, or choose another PORT`,
        EACCES: `PORT=${port}: this user may not listen there; choose a PORT of 1024 or more`,
        EADDRNOTAVAIL: `HOST=${host}: this machine has no such address`,
      }[cause.code ?? ''];
      reject(new StartupError(text ?? `cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    // A socket of this process alone: what a cluster's primary accepts and hands over hangs for ever when the worker
    // is killed in between, and closes at once when the kernel takes back the socket with its process.
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound}`);
    });
  });

const closeServer = async (server: Server, { shutdown_timeout_ms, log }: HttpServerOptions): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const bound = new AbortController();
  const cut = sleep(shutdown_timeout_ms, undefined, { signal: bound.signal }).then(
    () => {
      log.warn({ timeout_ms: shutdown_timeout_ms }, 'calls were still under way and are cut');
      server.closeAllConnections();
    },
    () => {},
  );
  await closed;
  bound.abort();
  await cut;
};
