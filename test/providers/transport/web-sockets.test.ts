import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { OneVaultError } from '../../../src/core/errors.ts';
import type { Upstream } from '../../../src/providers/contract.ts';
import { createAddressGuard } from '../../../src/providers/transport/address-guard.ts';
import { createWebSockets, type WebSocketRequest } from '../../../src/providers/transport/web-sockets.ts';
import { frameOf, OPCODES, switchedTo } from '../../support/frames.ts';
import { type RawUpstream, startRawUpstream } from '../../support/raw-upstream.ts';
import { upstreamAt } from '../support.ts';

const NO_SIGNAL = new AbortController().signal;
const REQUEST: WebSocketRequest = {
  path: '/realtime?model=m',
  headers: { authorization: 'Bearer sk-1' },
  subprotocols: [],
  message_max_bytes: 1_000,
};

// A self-signed certificate for localhost, and its key.
const SELF_SIGNED = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUDV+Bd/NE4JUS6RMejsys6+tS9wwwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDIyNT
cwOFoYDzIxMjYxMTA2MjI1NzA4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASpexRaNeHGcdhUj5DA
vSBUIEuhm3Iqotsh6OVAtLlu4FPJwsVTKPoQh1oyVxZLRP7gZwFQVIRNux0Fksv6javdo2kwZzAdBgNVHQ4EFgQUR6MT98pb+s1I/BxhZrp+5u
0vy5wwHwYDVR0jBBgwFoAUR6MT98pb+s1I/BxhZrp+5u0vy5wwDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSQAwRgIhALmA6SvOB8xf07zfkAEVny1ydb5FcM+Vl8XkSd8Bqcs7AiEAtm/D1p5w2ie5DzEWAZEmiuHYbNpBF/OhFjB/LjPEWCA=
-----END CERTIFICATE-----`;
const KEY = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'qXsUWjXhxnHYVI-QwL0gVCBLoZtyKqLbIejlQLS5buA',
    y: 'U8nCxVMo-hCHWjJXFktE_uBnAVBUhE27HQWSy_qNq90',
    d: 'q6agH2uEoGVEyO3dnqqj-4lGbWg__T9Pf0bLsv_vSZ8',
  },
});

describe('a WebSocket to a provider', () => {
  let provider: RawUpstream;
  const closing: (() => void)[] = [];
  before(async () => {
    provider = await startRawUpstream();
  });
  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });
  after(() => provider.close());

  const open = createWebSockets(createAddressGuard({ allowed_hosts: [] }));
  const upstream = (limits: Partial<Upstream['limits']> = {}): Upstream => upstreamAt(provider.url, 'openai', limits);
  const opened = async (request: Partial<WebSocketRequest> = {}) => {
    const result = await open(upstream(), { ...REQUEST, ...request }, NO_SIGNAL);
    assert.ok(!('refusal' in result), 'it was refused');
    closing.push(() => result.peer.terminate());
    return result;
  };
  const failure = async (opening: Promise<unknown>): Promise<OneVaultError> => {
    const error = await opening.then(
      () => assert.fail('it was opened'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof OneVaultError, String(error));
    return error;
  };

  it('opens with the headers of the gateway, and without an offer of extensions', async () => {
    let sent = '';
    provider.script((socket, request) => {
      sent = request;
      socket.write(switchedTo(request));
    });
    const { subprotocol } = await opened();
    assert.equal(subprotocol, null);
    assert.match(sent, /^GET \/v1\/realtime\?model=m HTTP\/1\.1\r\n/);
    assert.match(sent, /^authorization: Bearer sk-1\r$/im);
    assert.match(sent, /^user-agent: onevault-gateway\r$/im);
    assert.doesNotMatch(sent, /^sec-websocket-(?:extensions|protocol):/im);
  });

  it('uses a subprotocol that was offered and chosen, or none', async () => {
    for (const chosen of ['realtime', 'other', null]) {
      let sent = '';
      provider.script((socket, request) => {
        sent = request;
        socket.write(switchedTo(request, ...(chosen === null ? [] : [`sec-websocket-protocol: ${chosen}`])));
      });
      const { subprotocol } = await opened({ subprotocols: ['realtime', 'other'] });
      assert.equal(subprotocol, chosen);
      assert.match(sent, /^sec-websocket-protocol: realtime, other\r$/im);
    }
  });

  it('fails if the answer does not match the handshake', async () => {
    const answers: ((request: string) => string)[] = [
      (request) => switchedTo(request, 'sec-websocket-protocol: realtime'),
      (request) => switchedTo(request, 'sec-websocket-extensions: permessage-deflate'),
      (request) => switchedTo(request).replace(/sec-websocket-accept: ./, 'sec-websocket-accept: !'),
      (request) => switchedTo(request).replace(/sec-websocket-accept: .*\r\n/, ''),
      (request) => switchedTo(request).replace('upgrade: websocket', 'upgrade: h2c'),
    ];
    for (const [index, answer] of answers.entries()) {
      provider.script((socket, request) => socket.write(answer(request)));
      const { code, details } = await failure(open(upstream(), REQUEST, NO_SIGNAL));
      assert.equal(code, 'provider_malformed', `${index}: ${details}`);
    }
    provider.script((socket, request) => socket.write(switchedTo(request, 'sec-websocket-protocol: mine')));
    const { code } = await failure(open(upstream(), { ...REQUEST, subprotocols: ['realtime'] }, NO_SIGNAL));
    assert.equal(code, 'provider_malformed');
    provider.script((socket, request) => socket.end(switchedTo(request).replace('upgrade: websocket\r\n', '')));
    const unnamed = await open(upstream(), REQUEST, NO_SIGNAL);
    assert.equal('refusal' in unnamed && unnamed.refusal.status, 101, 'a switch to no protocol is a refusal');
  });

  it('fails if the answer is not HTTP, and keeps its bytes out of the error', async () => {
    for (const bytes of [
      'SSH-2.0-OpenSSH_9.9 sk-secret\r\n',
      '\0\0\0\0 sk-secret',
      `HTTP/1.1 101\r\nsk-secret${'x'.repeat(99_999)}`,
    ]) {
      provider.script((socket) => socket.end(bytes));
      const error = await failure(open(upstream(), REQUEST, NO_SIGNAL));
      assert.equal(error.code, 'provider_malformed', bytes.slice(0, 20));
      assert.doesNotMatch(JSON.stringify([error, error.cause]), /sk-secret/);
    }
  });

  it('reports the response of a provider that refuses, and follows no redirect', async () => {
    for (const [status, body, expected] of [
      [401, '{"error":{}}', '{"error":{}}'],
      [302, '', ''],
      [200, 'ok', 'ok'],
      [500, 'x'.repeat(100_000), ''],
    ] as const) {
      provider.script((socket) => {
        const head = [`HTTP/1.1 ${status} No`, 'retry-after: 7', `location: ${provider.url}/v1`];
        socket.end(`${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      });
      const before = provider.connections();
      const result = await open(upstream(), REQUEST, NO_SIGNAL);
      assert.ok('refusal' in result);
      assert.deepEqual([result.refusal.status, result.refusal.body], [status, expected]);
      assert.equal(result.refusal.headers['retry-after'], '7');
      assert.equal(provider.connections(), before + 1);
    }
  });

  it("keeps messages that come with the provider's answer, and limits their size", async () => {
    provider.script((socket, request) => {
      const early = [frameOf(OPCODES.text, 'hello'), frameOf(OPCODES.text, 'x'.repeat(1_001))];
      socket.write(Buffer.concat([Buffer.from(switchedTo(request)), ...early]));
    });
    const { peer } = await opened();
    await new Promise(setImmediate);
    const kinds: string[] = [];
    await peer.receive(({ kind }) => {
      kinds.push(kind);
      return undefined;
    });
    assert.deepEqual(kinds, ['text', 'fault']);
  });

  it('fails with the reason if the provider does not answer or leaves, or if the client leaves', async () => {
    provider.script(() => {});
    assert.equal(
      (await failure(open(upstream({ headers_timeout_ms: 50 }), REQUEST, NO_SIGNAL))).code,
      'provider_timeout',
    );
    provider.script((socket) => socket.write('HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\n'));
    assert.equal(
      (await failure(open(upstream({ headers_timeout_ms: 50 }), REQUEST, NO_SIGNAL))).code,
      'provider_timeout',
      'a refusal that does not end is not waited for either',
    );
    provider.script((socket) => socket.destroy());
    assert.equal((await failure(open(upstream(), REQUEST, NO_SIGNAL))).code, 'provider_disconnected');
    const nobody = { ...upstream(), base_url: 'http://127.0.0.1:1/v1' };
    assert.equal((await failure(open(nobody, REQUEST, NO_SIGNAL))).code, 'provider_unreachable');
    const before = provider.connections();
    assert.equal((await failure(open(upstream(), REQUEST, AbortSignal.abort()))).code, 'client_closed_request');
    assert.equal(provider.connections(), before, 'no connection is made for a client that has left');
    const left = new AbortController();
    const gone = Promise.withResolvers<void>();
    provider.script((socket) => {
      socket.on('close', () => gone.resolve());
      left.abort();
    });
    assert.equal((await failure(open(upstream(), REQUEST, left.signal))).code, 'client_closed_request');
    await gone.promise;
  });

  it('uses TLS for https, and refuses a certificate that is not trusted', async () => {
    const encrypted = createTlsServer({ cert: SELF_SIGNED, key: KEY.export({ type: 'pkcs8', format: 'pem' }) });
    let requests = 0;
    encrypted.on('secureConnection', (socket) => socket.on('data', () => (requests += 1)).on('error', () => {}));
    encrypted.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => encrypted.listen(0, '127.0.0.1', resolve));
    closing.push(() => encrypted.close());
    const { port } = encrypted.address() as AddressInfo;
    const target = { ...upstream(), base_url: `https://localhost:${port}/v1` };
    assert.equal((await failure(open(target, REQUEST, NO_SIGNAL))).code, 'provider_unreachable');
    assert.equal(requests, 0, 'nothing of the request was sent');
  });

  it('connects to an address that a customer chose only if the address guard allows it', async () => {
    const connections: Socket[] = [];
    const inside = createServer((socket) => connections.push(socket));
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    closing.push(() => inside.close());
    const { port } = inside.address() as AddressInfo;
    let lookups = 0;
    const guarded = createWebSockets(
      createAddressGuard({
        allowed_hosts: [],
        resolve: async () => {
          lookups += 1;
          return [{ address: '127.0.0.1', family: 4 }];
        },
      }),
    );
    for (const base_url of [`https://rebinding.example.com:${port}/v1`, `https://127.0.0.1:${port}`]) {
      const error = await failure(guarded({ ...upstream(), base_url, is_guarded: true }, REQUEST, NO_SIGNAL));
      assert.equal(error.code, 'provider_unreachable');
      assert.match(error.details ?? '', /must be public/);
      assert.doesNotMatch(JSON.stringify(error), /127\.0\.0\.1/);
    }
    assert.deepEqual([lookups, connections.length], [1, 0]);
    const allowed = createWebSockets(
      createAddressGuard({
        allowed_hosts: ['vllm.corp.example'],
        resolve: async () => [{ address: '127.0.0.1', family: 4 }],
      }),
    );
    const reached = once(inside, 'connection');
    const target = { ...upstream(), base_url: `http://vllm.corp.example:${port}/v1`, is_guarded: true };
    const opening = allowed(target, REQUEST, NO_SIGNAL);
    const [socket] = (await reached) as [Socket];
    socket.destroy();
    assert.equal((await failure(opening)).code, 'provider_disconnected');
  });
});
