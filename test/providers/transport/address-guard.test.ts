import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { OneVaultError } from '../../../src/core/errors.ts';
import type { Caller, UpstreamRequest } from '../../../src/providers/contract.ts';
import { createAddressGuard } from '../../../src/providers/transport/address-guard.ts';
import { isReachable } from '../../../src/providers/transport/address-ranges.ts';
import { createCaller } from '../../../src/providers/transport/upstream-caller.ts';
import { sendJson, startScriptedUpstream } from '../../support/upstream.ts';
import { upstreamAt } from '../support.ts';

const REQUEST: UpstreamRequest = { method: 'GET', path: '/models', headers: {}, body: '' };

const INSIDE = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255'],
  ...['192.168.0.1', '100.64.0.1', '100.127.255.255', '169.254.169.254', '169.254.170.2', '100.100.100.200'],
  ...['168.63.129.16', '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1'],
  ...['240.0.0.1', '255.255.255.255', '192.88.99.1'],
  ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '100::1'],
  // IPv4 within IPv6: mapped, compatible, NAT64 (well-known and local), 6to4, Teredo, ISATAP.
  ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a00:1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1'],
  ...['2002:7f00:1::', '2001:0:7f00:1::', 'fe80::5efe:127.0.0.1', '2001:db8::1', '3fff::1', '5f00::1'],
];
const OUTSIDE = [
  ...['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '169.253.1.1'],
  ...['11.0.0.1', '126.255.255.255', '128.0.0.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1'],
];

describe('the address ranges', () => {
  it('distinguish public addresses from all internal ones', () => {
    for (const address of INSIDE) assert.equal(isReachable(address, 'public'), false, address);
    for (const address of OUTSIDE) assert.equal(isReachable(address, 'public'), true, address);
  });

  it('allow private networks for an allowed name, but never the metadata services of clouds', () => {
    for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '100.64.0.1', '::1', 'fd12::1', '8.8.8.8']) {
      assert.equal(isReachable(address, 'private'), true, address);
    }
    for (const address of [
      ...['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fe80::1', '0.0.0.0'],
      ...['::ffff:169.254.169.254', '::ffff:10.0.0.1', '64:ff9b::a9fe:a9fe', '224.0.0.1'],
    ]) {
      assert.equal(isReachable(address, 'private'), false, address);
    }
  });

  it('treat an invalid address as internal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^[0-9a-f:.]+$/i.test(text));
        assert.equal(isReachable(text, 'public'), false);
      }),
    );
  });
});

describe('the guard of base URLs', () => {
  const guard = createAddressGuard({
    allowed_hosts: ['vllm.corp.internal', '10.0.0.5', '[fd00::5]:8000', 'localhost:9000'],
  });

  it('accepts public https addresses', () => {
    for (const url of [
      ...['https://api.example.com', 'https://api.example.com/v1', 'https://api.example.com:8443/v1/'],
      ...['https://8.8.8.8/v1', 'https://[2606:4700::1111]/v1', 'https://xn--bcher-kva.com/v1'],
    ]) {
      guard.checkUrl(url);
    }
  });

  it('refuses internal addresses, plain http, and URLs that parsers disagree about', () => {
    for (const url of [
      ...['', 'api.example.com', '//api.example.com', 'ftp://api.example.com', 'file:///etc/passwd'],
      ...['http://api.example.com', 'HTTPS://api.example.com', 'https://API.example.com/v1', 'https://bücher.de'],
      ...['https://u:p@api.example.com', 'https://u@api.example.com', 'https://api.example.com@127.0.0.1/'],
      ...['https://api.example.com?x=1', 'https://api.example.com/#x', 'https://api.example.com/?'],
      ...['https://api.example.com/a/../b', 'https://api.example.com\\@127.0.0.1', ' https://api.example.com'],
      ...['https://api.example.com./v1', 'https://api.example.com:443/v1', 'https://api.example.com/\n/x'],
      ...['https://127.0.0.1', 'https://2130706433', 'https://0x7f.1', 'https://0177.0.0.1', 'https://127.1'],
      ...['https://①②⑦.0.0.1', 'https://127。0。0。1', 'https://10.0.0.6', 'https://169.254.169.254/latest'],
      ...['https://[::1]', 'https://[::ffff:127.0.0.1]', 'https://[64:ff9b::7f00:1]', 'https://[fd00::6]'],
      ...['https://localhost', 'https://a.localhost', 'https://intranet', 'https://db.local', 'https://x.internal'],
      ...['https://metadata.google.internal', 'https://router.home.arpa', 'https://a.test', 'https://a.onion'],
      ...['https://api.example.com:22', 'https://api.example.com:25', 'https://api.example.com:6667'],
      ...['https://api.example.com:80', 'https://localhost:9001', 'https://[fd00::5]:8001'],
    ]) {
      assert.throws(
        () => guard.checkUrl(url),
        (error: OneVaultError) => error.code === 'invalid_request' && error.param === 'base_url',
        url,
      );
    }
  });

  it('accepts internal hosts that an administrator allowed, with plain http too', () => {
    for (const url of [
      ...['http://vllm.corp.internal/v1', 'https://vllm.corp.internal:22/v1', 'http://10.0.0.5:11434/v1'],
      ...['http://[fd00::5]:8000/v1', 'http://localhost:9000'],
    ]) {
      guard.checkUrl(url);
    }
  });

  it('throws no other error than its refusal, whatever the URL is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.ipV4(), fc.ipV6()), (text) => {
        for (const url of [text, `https://${text}/`]) {
          try {
            guard.checkUrl(url);
            assert.equal(new URL(url).protocol, 'https:');
          } catch (error) {
            assert.ok(error instanceof OneVaultError, String(error));
          }
        }
      }),
    );
  });
});

describe('a connection to an address of a customer', () => {
  let caller: Caller | null = null;
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await caller?.close();
    for (const close of closing.splice(0)) await close();
  });

  const guarded = (base_url: string) => ({
    ...upstreamAt('http://unused', 'openai'),
    base_url,
    is_guarded: true,
  });
  const codeOf = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'none',
      (error: OneVaultError) => error.code,
    );

  /** A port of this machine that counts its connections. */
  const listening = async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return { port: (server.address() as AddressInfo).port, sockets };
  };

  it('uses exactly the checked addresses, and none of a name with an internal address', async () => {
    const { port, sockets } = await listening();
    const answers = [
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['::ffff:127.0.0.1'],
      ['::1'],
      ['0.0.0.0'],
      ['169.254.169.254'],
    ];
    let lookups = 0;
    const guard = createAddressGuard({
      allowed_hosts: [],
      resolve: async () =>
        answers[lookups++ % answers.length]!.map((address) => ({
          address,
          family: address.includes(':') ? 6 : 4,
        })),
    });
    caller = createCaller({ guard, connect_timeout_ms: 300 });
    for (const [index] of answers.entries()) {
      const failure: OneVaultError | null = await caller
        .call(guarded(`https://rebinding.example.com:${port}/v1`), REQUEST)
        .then(
          () => null,
          (error: OneVaultError) => error,
        );
      assert.equal(failure?.code, 'provider_unreachable', String(index));
      assert.match(failure.details ?? '', /must be public/);
      assert.doesNotMatch(JSON.stringify(failure), /127\.0\.0\.1|169\.254/);
    }
    assert.equal(lookups, answers.length, 'each connection resolves the name once and uses that result');
    assert.equal(sockets.length, 0);
  });

  it('resolves its name once, so that a later change of the name has no effect', async () => {
    const upstream = await startScriptedUpstream();
    closing.push(upstream.close);
    upstream.script((response) => sendJson(response, '{"data":[]}'));
    const { port } = new URL(upstream.url);
    const answers = ['127.0.0.1', '169.254.169.254'];
    const guard = createAddressGuard({
      allowed_hosts: ['vllm.corp.example'],
      resolve: async () => [{ address: answers.shift()!, family: 4 }],
    });
    caller = createCaller({ guard, connect_timeout_ms: 300, keep_alive_ms: 1 });
    const target = guarded(`http://vllm.corp.example:${port}/v1`);
    const response = await caller.call(target, REQUEST);
    assert.equal(await response.text(), '{"data":[]}');
    assert.equal(upstream.received[0]?.headers.host, `vllm.corp.example:${port}`);
    // The name then resolves to a cloud's metadata service, which no allowed name may lead to.
    upstream.script((response) => response.destroy());
    await codeOf(caller.call(target, REQUEST));
    assert.equal(await codeOf(caller.call(target, REQUEST)), 'provider_unreachable');
    assert.equal(answers.length, 0);
  });

  it('is refused without an attempt if the URL contains an internal address', async () => {
    const { port, sockets } = await listening();
    caller = createCaller({ guard: createAddressGuard({ allowed_hosts: [] }) });
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:7f00:1]', '2130706433', 'localhost']) {
      const code = await codeOf(caller.call(guarded(`https://${host}:${port}`), REQUEST));
      assert.equal(code, 'provider_unreachable', host);
    }
    assert.equal(sockets.length, 0);
  });

  it('is never shared with one to an address of the operator', async () => {
    const upstream = await startScriptedUpstream();
    closing.push(upstream.close);
    upstream.script((response) => sendJson(response, '{}'));
    caller = createCaller({ guard: createAddressGuard({ allowed_hosts: [] }) });
    const trusted = { ...upstreamAt(upstream.url, 'openai'), base_url: upstream.url };
    assert.equal((await caller.call(trusted, REQUEST)).status, 200);
    assert.equal(await codeOf(caller.call({ ...trusted, is_guarded: true }, REQUEST)), 'provider_unreachable');
    assert.equal(upstream.received.length, 1);
  });

  it('does not follow a redirect', async () => {
    const [upstream, inside] = [await startScriptedUpstream(), await startScriptedUpstream()];
    closing.push(upstream.close, inside.close);
    caller = createCaller({ guard: createAddressGuard({ allowed_hosts: [new URL(upstream.url).host] }) });
    for (const status of [301, 302, 303, 307, 308]) {
      upstream.script((response) => response.writeHead(status, { location: `${inside.url}/v1` }).end());
      const response = await caller.call(guarded(upstream.url), REQUEST);
      assert.equal(response.status, status);
      response.discard();
    }
    assert.equal(inside.received.length, 0);
  });
});
