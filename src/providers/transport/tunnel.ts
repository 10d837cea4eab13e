import { hash } from 'node:crypto';
import { type ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import { Duplex, PassThrough, type Readable, type Writable } from 'node:stream';
import { ProxyServer } from 'http-proxy-3';
import { OneVaultError } from '../../core/errors.ts';
import type { Upstream, UpstreamHeaders, UpstreamRequest } from '../contract.ts';
import type { AddressGuard } from './address-guard.ts';
import { asUnreachable } from './caller.ts';
import { transportError } from './transport-error.ts';

/** A WebSocket to a provider that has answered the handshake: frames as bytes, both ways. */
export interface Tunnel {
  /** The client's key, answered (RFC 6455, section 4.2.2). */
  readonly accept: string;
  /** Of the protocols offered, the one that the provider chose. */
  readonly protocol: string | null;
  readonly to_provider: Writable;
  /** Ends where the provider closes the connection. */
  readonly from_provider: Readable;
  /** Drops the connection. */
  destroy(): void;
}

export interface TunnelRequest extends Pick<UpstreamRequest, 'path' | 'headers'> {
  /** The client's own `sec-websocket-key`. */
  readonly key: string;
  /** Offered for the connection, the first choice first. */
  readonly protocols: readonly string[];
}

/** The answer of a provider that opens no WebSocket. */
export interface TunnelRefusal {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: string;
}

type Opened = { readonly tunnel: Tunnel } | { readonly refusal: TunnelRefusal };

/**
 * Opens a WebSocket to a provider. Each is a connection of its own.
 * @throws OneVaultError provider_unreachable, provider_timeout, provider_disconnected, provider_malformed;
 *   client_closed_request when `signal` is aborted
 */
export type OpenTunnel = (upstream: Upstream, request: TunnelRequest, signal: AbortSignal) => Promise<Opened>;

/** Tunnels through http-proxy-3. @param guard for addresses that customers chose */
export const createTunnels =
  (guard: AddressGuard): OpenTunnel =>
  async (upstream, request, signal) => {
    const { limits, base_url, is_guarded = false } = upstream;
    if (signal.aborted) throw new OneVaultError('client_closed_request');
    const answer = Promise.withResolvers<Opened>();
    const giveUp = (error: unknown): void => answer.reject(transportError(error, limits));
    const near = { to_provider: new PassThrough(), from_provider: new PassThrough() };
    const far = createFarSide(near);
    let outgoing: ClientRequest | null = null;
    // One proxy a connection: its events do not tell which of several they are about.
    const proxy = new ProxyServer({});
    proxy.on('error', (error) => {
      far.destroy();
      giveUp(error);
    });
    proxy.on('proxyReqWs', (sent) => {
      outgoing = sent;
      awaitAnswer(sent, request, { near, far }).then(answer.resolve, giveUp);
    });
    const details = `There was no reply within ${limits.headers_timeout_ms} ms.`;
    const waited = setTimeout(
      () => giveUp(new OneVaultError('provider_timeout', { details })),
      limits.headers_timeout_ms,
    );
    const leave = (): void => giveUp(new OneVaultError('client_closed_request'));
    signal.addEventListener('abort', leave);
    try {
      if (is_guarded) guard.checkUrl(base_url);
      proxy.ws(handshakeOf(request), far as unknown as Socket, Buffer.alloc(0), {
        target: targetOf(upstream, request.path),
        ignorePath: true,
        changeOrigin: true,
        agent: is_guarded ? guardedAgent(guard, upstream) : undefined,
      });
      return await answer.promise;
    } catch (error) {
      (outgoing as ClientRequest | null)?.destroy();
      far.destroy();
      throw transportError(asUnreachable(error), limits);
    } finally {
      clearTimeout(waited);
      signal.removeEventListener('abort', leave);
    }
  };

type NearSide = Record<'to_provider' | 'from_provider', PassThrough>;

/** What becomes of the handshake; never, where the connection fails: the proxy tells of that. */
const awaitAnswer = (
  outgoing: ClientRequest,
  request: TunnelRequest,
  { near, far }: { readonly near: NearSide; readonly far: Duplex },
): Promise<Opened> =>
  new Promise((resolve, reject) => {
    outgoing.once('response', (reply: IncomingMessage) => {
      const refusal = readRefusal(reply);
      // The proxy would write the reply to it, as to a client; that it is gone is a fault to the proxy.
      far.removeAllListeners('error');
      far.on('error', () => {});
      far.destroy();
      refusal.then((read) => {
        outgoing.destroy();
        resolve({ refusal: read });
      }, reject);
    });
    outgoing.once('upgrade', ({ headers }: IncomingMessage, socket: Socket) => {
      const destroy = (): void => {
        socket.destroy();
        far.destroy();
      };
      const agreed = agreementOf(headers, request);
      if (agreed === null) {
        destroy();
        reject(new OneVaultError('provider_malformed', { details: 'It answered another handshake.' }));
        return;
      }
      socket.once('close', () => near.from_provider.end());
      resolve({ tunnel: { ...near, ...agreed, destroy } });
    });
  });

// RFC 6455, section 1.3.
const HANDSHAKE = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What a provider agreed to; null where that is nothing that it was asked for. */
const agreementOf = (
  headers: IncomingMessage['headers'],
  { key, protocols }: TunnelRequest,
): Pick<Tunnel, 'accept' | 'protocol'> | null => {
  const accept = hash('sha1', key + HANDSHAKE, 'base64');
  const protocol = headers['sec-websocket-protocol'] ?? null;
  if (headers['sec-websocket-accept'] !== accept) return null;
  if (headers['sec-websocket-extensions'] !== undefined) return null;
  return protocol === null || protocols.includes(protocol) ? { accept, protocol } : null;
};

const targetOf = ({ base_url }: Upstream, path: string): URL => {
  const { origin, pathname } = new URL(base_url);
  return new URL(origin + pathname.replace(/\/+$/, '') + path);
};

const guardedAgent = (guard: AddressGuard, { base_url }: Upstream): HttpAgent => {
  const options = { lookup: guard.lookupFor(base_url) };
  return base_url.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
};

/** A request of our own in the client's place: of what the client sent, a provider sees the key of its handshake. */
const handshakeOf = ({ headers, key, protocols }: TunnelRequest): IncomingMessage =>
  Object.assign(new IncomingMessage(new Socket()), {
    method: 'GET',
    url: '',
    httpVersion: '1.1',
    httpVersionMajor: 1,
    headers: {
      ...headers,
      'user-agent': 'onevault-gateway',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': key,
      ...(protocols.length === 0 ? {} : { 'sec-websocket-protocol': protocols.join(', ') }),
    },
  });

/** What the proxy takes for its client's socket. */
const createFarSide = ({ to_provider, from_provider }: NearSide) => {
  // The types do not know this form (https://nodejs.org/api/stream.html#streamduplexfromsrc).
  const halves = { readable: to_provider, writable: from_provider } as unknown as NodeJS.ReadableStream;
  const far = Duplex.from(halves);
  // Whoever reads or writes learns of a fault there; between that, nobody is left to tell.
  for (const each of [to_provider, from_provider, far]) each.on('error', () => {});
  const { write } = far;
  // The first that is written is the head of the provider's answer: the client gets one of ours.
  far.write = () => {
    far.write = write;
    return true;
  };
  const same = (): typeof far => far;
  return Object.assign(far, {
    setTimeout: same,
    setNoDelay: same,
    setKeepAlive: same,
    destroySoon: () => far.end(),
  });
};

// A refusal is a sentence; a page of HTML with its scripts is not read for one.
const REFUSAL_MAX_BYTES = 65_536;

const readRefusal = async (reply: IncomingMessage): Promise<TunnelRefusal> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of reply as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > REFUSAL_MAX_BYTES) break;
      pieces.push(piece);
    }
  } catch {
    // Its status says enough.
  }
  const body = bytes > REFUSAL_MAX_BYTES ? '' : Buffer.concat(pieces).toString();
  return { status: reply.statusCode ?? 502, headers: reply.headers, body };
};
