import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf } from '../support/http.ts';

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });

describe('a request that two servers could read differently', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const exchange = async (path: string, headers: readonly string[]): Promise<string> => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    const lines = [`POST ${path} HTTP/1.1`, 'connection: close', `content-length: ${BODY.length}`, ...headers];
    socket.write(`${lines.join('\r\n')}\r\n\r\n${BODY}`);
    await once(socket, 'close');
    return text;
  };

  it('because a header that decides who calls stands twice, gets 400', async () => {
    const authorization = `authorization: Bearer ${gateway.keys.api_key}`;
    const host = 'host: localhost';
    assert.match(await exchange(CHAT, [host, authorization]), /^HTTP\/1\.1 200 /);
    for (const [headers, name] of [
      [[host, 'Host: other.example', authorization], 'host'],
      [[host, authorization, 'Authorization: Bearer sk_other'], 'authorization'],
      [[host, authorization, authorization], 'authorization'],
      [[host, 'x-api-key: a', 'X-API-Key: b'], 'x-api-key'],
      [[host, 'x-goog-api-key: a', 'x-goog-api-key: a'], 'x-goog-api-key'],
    ] as const) {
      for (const path of [CHAT, '/v1/customers', '/health']) {
        const text = await exchange(path, headers);
        assert.match(text, /^HTTP\/1\.1 400 /, text);
        assert.ok(text.includes(`The header ${name} appears twice. Send it once.`), text);
      }
    }
  });

  it('because it has different keys, gets 400, and with one key in two places is served', async () => {
    const key = gateway.keys.api_key;
    const send = (path: string, headers: Readonly<Record<string, string>>, method = 'POST') =>
      gateway.send({ method, path, headers, ...(method === 'POST' ? { body: BODY } : {}) });
    for (const [path, headers, method] of [
      [CHAT, { ...bearer(key), 'x-api-key': 'sk_other' }],
      [CHAT, { 'x-api-key': key, 'x-goog-api-key': 'other' }],
      ['/v1beta/models?key=other', bearer(key), 'GET'],
    ] as const) {
      const reply = await send(path, headers, method);
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.text, /different API keys/);
    }
    assert.equal((await send(CHAT, { ...bearer(key), 'x-api-key': key })).status, 200);
    assert.equal((await send(`/v1beta/models?key=${key}`, bearer(key), 'GET')).status, 200);
  });

  it("because its key stands in the query outside of Google's paths, has no key", async () => {
    for (const path of [CHAT, '/v1/ai/models', '/models', '/v1/modelsX', '/v1/models.json', '/v1/customers']) {
      const reply = await gateway.send({
        method: path === CHAT ? 'POST' : 'GET',
        path: `${path}?key=${gateway.keys.api_key}`,
        ...(path === CHAT ? { body: BODY } : {}),
      });
      assert.ok([401, 404].includes(reply.status), `${path}: ${reply.status} ${reply.text}`);
    }
    const google = await gateway.get(`/v1beta/models?key=${gateway.keys.api_key}`);
    assert.equal(google.status, 200);
  });

  it('because its service tier stands twice, gets 400 that names the field', async () => {
    for (const [path, body, param] of [
      [CHAT, `${BODY.slice(0, -1)},"service_tier":"priority","service_tier":"default"}`, 'service_tier'],
      [
        '/v1/responses',
        '{"model":"gpt-4o-mini","input":"x","service_tier":"priority","service_tier":"auto"}',
        'service_tier',
      ],
      [
        '/v1/messages',
        '{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"x"}],"service_tier":"auto","service_tier":"standard_only"}',
        null,
      ],
    ] as const) {
      const reply = await gateway.send({ method: 'POST', path, body, headers: bearer(gateway.keys.api_key) });
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.text, /service_tier appears twice/);
      if (param !== null) assert.equal(errorOf(reply).param, param);
    }
  });
});
