import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bodyText } from '../../../src/core/body.ts';
import type { Caller, SsePiece, Upstream, UpstreamRequest } from '../../../src/providers/contract.ts';
import { createCaller } from '../../../src/providers/transport/upstream-caller.ts';
import { startSandbox } from '../../../src/sandbox/server.ts';
import { upstreamAt } from '../support.ts';

const REQUEST: UpstreamRequest = {
  path: '/chat/completions',
  headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
  body: '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
};
const HEAD = 'HTTP/1.1 200 OK\r\n';
const STREAM_HEAD = `${HEAD}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`;
const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe('the upstream caller', () => {
  let caller: Caller;
  let server: Server | null = null;
  const sockets = new Set<Socket>();

  beforeEach(() => {
    caller = createCaller({ connect_timeout_ms: 10_000 });
  });
  afterEach(async () => {
    await caller.close();
    for (const socket of sockets) socket.destroy();
    if (server !== null) await new Promise((resolve) => server?.close(resolve));
    server = null;
  });

  /** A provider that lets `answer` write to the raw socket for each request. */
  const hostile = async (
    answer: (socket: Socket, request: string) => void,
    limits: Partial<Upstream['limits']> = {},
  ): Promise<Upstream> => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', (data) => answer(socket, data.toString()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return upstreamAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'openai', limits);
  };

  /** Resolves when the caller has closed every connection; hangs if it keeps one. */
  const allClosed = async (): Promise<void> => {
    await Promise.all([...sockets].map((socket) => once(socket, 'close')));
  };

  const text = async (upstream: Upstream): Promise<string> => (await caller.call(upstream, REQUEST)).text();
  const eventsInto = async (all: SsePiece[], upstream: Upstream): Promise<void> => {
    const response = await caller.call(upstream, REQUEST);
    await response.each((pieces) => {
      all.push(...pieces);
      return null;
    });
  };
  const events = async (upstream: Upstream): Promise<SsePiece[]> => {
    const all: SsePiece[] = [];
    await eventsInto(all, upstream);
    return all;
  };

  it('sends the request below the path of the base URL and requests no compression', async () => {
    let seen = '';
    const upstream = await hostile((socket, request) => {
      seen = request;
      socket.write(`${HEAD}content-length: 2\r\n\r\nok`);
    });
    assert.equal(await text(upstream), 'ok');
    assert.match(seen, /^POST \/v1\/chat\/completions HTTP\/1\.1\r\n/);
    assert.match(seen, /accept-encoding: identity\r\n/i);
    assert.ok(seen.endsWith(bodyText(REQUEST.body)));
  });

  it('reports an unreachable provider if nothing listens or the name is unknown', async () => {
    const upstream = await hostile(() => {});
    await new Promise((resolve) => server?.close(resolve));
    server = null;
    await assert.rejects(text(upstream), { code: 'provider_unreachable' });
    await assert.rejects(text(upstreamAt('http://no-such-host.invalid', 'openai')), {
      code: 'provider_unreachable',
    });
  });

  it('cuts off a provider that sends no headers', async () => {
    const upstream = await hostile(() => {}, { headers_timeout_ms: 100 });
    await assert.rejects(text(upstream), { code: 'provider_timeout' });
  });

  it('cuts off a provider that stalls in a stream, after delivering the received frames', async () => {
    const upstream = await hostile((socket) => socket.write(STREAM_HEAD + chunked('data: 1\n\n')), {
      idle_timeout_ms: 100,
    });
    const seen: SsePiece[] = [];
    await assert.rejects(eventsInto(seen, upstream), { code: 'provider_timeout' });
    assert.deepEqual(seen, [{ event: '', data: '1', raw: 'data: 1\n\n' }]);
  });

  it('cuts off a response that arrives in small pieces beyond the total timeout', async () => {
    let drip: NodeJS.Timeout | undefined;
    const upstream = await hostile(
      (socket) => {
        socket.write(`${HEAD}content-length: 1000\r\n\r\n`);
        drip = setInterval(() => socket.write('x'), 10);
      },
      { total_timeout_ms: 200 },
    );
    await assert.rejects(text(upstream), { code: 'provider_timeout' });
    clearInterval(drip);
  });

  it('reports a disconnect before the headers, in the body and in a stream', async () => {
    const answers = ['', `${HEAD}content-length: 50\r\n\r\n{"half"`, STREAM_HEAD + chunked('data: 1\n\n')];
    let next = 0;
    const upstream = await hostile((socket) => socket.end(answers[next++] ?? ''));
    await assert.rejects(text(upstream), { code: 'provider_disconnected' });
    await assert.rejects(text(upstream), { code: 'provider_disconnected' });
    await assert.rejects(events(upstream), { code: 'provider_disconnected' });
  });

  it('refuses invalid HTTP, compressed responses, and bodies and events beyond their limit', async () => {
    const big = `data: ${'x'.repeat(65_536)}`;
    const answers = [
      '<html>hello</html>\r\n\r\n',
      `${HEAD}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}`,
      `${HEAD}content-length: 2000000\r\n\r\n${'x'.repeat(2_000_000)}`,
      STREAM_HEAD,
    ];
    let next = 0;
    const upstream = await hostile((socket) => {
      socket.write(answers[next++] ?? '');
      if (next === 4) for (let part = 0; part < 160; part += 1) socket.write(chunked(part === 0 ? big : big.slice(6)));
    });
    await assert.rejects(text(upstream), { code: 'provider_malformed' });
    await assert.rejects(text(upstream), { code: 'provider_malformed' });
    await assert.rejects(text(upstream), { code: 'provider_malformed' });
    await assert.rejects(events(upstream), { code: 'provider_malformed' });
  });

  it('does not follow a redirect', async () => {
    const upstream = await hostile((socket) =>
      socket.write('HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n'),
    );
    const response = await caller.call(upstream, REQUEST);
    assert.equal(response.status, 302);
    response.discard();
  });

  it('closes the connection when the call is aborted before it starts or in the middle of a stream', async () => {
    const upstream = await hostile((socket) => socket.write(STREAM_HEAD + chunked('data: 1\n\n')));
    const gone = AbortSignal.abort();
    await assert.rejects(caller.call(upstream, REQUEST, { signal: gone }), { code: 'client_closed_request' });
    assert.equal(sockets.size, 0);
    const client = new AbortController();
    const response = await caller.call(upstream, REQUEST, { signal: client.signal });
    const read = response.each(() => {
      client.abort();
      return null;
    });
    await assert.rejects(read, { code: 'client_closed_request' });
    await allClosed();
  });

  it('closes the connection when the reader drops the rest or fails', async () => {
    const upstream = await hostile((socket) => socket.write(STREAM_HEAD + chunked('data: 1\n\n')));
    const response = await caller.call(upstream, REQUEST);
    await response.each(() => {
      response.discard();
      return null;
    });
    const fault = new Error('the reader failed');
    const failing = await caller.call(upstream, REQUEST);
    await assert.rejects(
      failing.each(() => {
        throw fault;
      }),
      fault,
    );
    const waiting = await caller.call(upstream, REQUEST);
    await assert.rejects(
      waiting.each(() => Promise.reject(fault)),
      fault,
    );
    await allClosed();
  });

  it('makes the provider wait while the reader is slow, and loses nothing', async () => {
    const FRAMES = 2_000;
    const frame = chunked(`data: ${'y'.repeat(10_000)}\n\n`);
    let written = 0;
    const upstream = await hostile((socket) => {
      socket.write(STREAM_HEAD);
      const more = (): void => {
        while (written < FRAMES && socket.write(frame)) written += 1;
        if (written < FRAMES) {
          written += 1;
          socket.once('drain', more);
        } else socket.end('0\r\n\r\n');
      };
      more();
    });
    const response = await caller.call(upstream, REQUEST);
    await delay(200);
    assert.ok(written < FRAMES, 'all was sent to a reader that reads nothing');
    let count = 0;
    let under_way = 0;
    await response.each(async (pieces) => {
      under_way += 1;
      assert.equal(under_way, 1, 'it is given more while it waits');
      count += pieces.length;
      if (count % 500 === 0) await delay(10);
      under_way -= 1;
    });
    assert.equal(count, FRAMES);
  });

  it('refuses calls beyond its limit, reuses connections, and fails calls after it was closed', async () => {
    const sandbox = await startSandbox();
    const small = createCaller({ connections_max: 1, calls_max: 2 });
    const upstream = upstreamAt(sandbox.url, 'openai');
    const calls = await Promise.allSettled([1, 2, 3].map(async () => (await small.call(upstream, REQUEST)).text()));
    assert.deepEqual(
      calls.map((call) => (call.status === 'rejected' ? call.reason.code : 'answered')),
      ['answered', 'answered', 'overloaded'],
    );
    assert.match(await (await small.call(upstream, REQUEST)).text(), /You wrote: hi/);
    await small.close();
    await assert.rejects(small.call(upstream, REQUEST), { code: 'not_ready' });
    await sandbox.close();
  });
});
