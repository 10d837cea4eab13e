import assert from 'node:assert/strict';
import { ERRORS } from '../../src/core/errors.ts';
import { isUuid } from '../../src/core/ids.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';

describe("the operators' endpoints", () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  for (const path of ['/health', '/health/liveness', '/health/readiness']) {
    it(`answer 200 without a key at ${path}, for HEAD too`, async () => {
      const response = await gateway.get(path);
      assert.equal(response.status, 200);
      assert.deepEqual(response.json, { status: 'up', version: '0.0.0-test' });
      const head = await gateway.send({ method: 'HEAD', path });
      assert.equal(head.status, 200);
      assert.equal(head.text, '');
    });
  }

  it('report each dependency at /health/dependencies', async () => {
    const response = await gateway.get('/health/dependencies');
    assert.deepEqual(response.json, {
      database: { status: 'up' },
      journal: { status: 'up', detail: '0 records wait' },
      routing_rules: { status: 'up' },
      jobs: { status: 'up' },
    });
  });

  it('count calls by endpoint, provider, status and error at /metrics', async () => {
    const hello = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
    await gateway.chat(hello);
    await gateway.chat({ ...hello, stream: true });
    await gateway.chat(hello, 'sk_wrong');
    const { text, headers } = await gateway.get('/metrics');
    assert.match(headers['content-type']!, /^text\/plain/);
    const calls = (labels: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`onevault_calls_total{${labels}}`))
          ?.split(' ')
          .at(-1),
      );
    const endpoint = 'endpoint="/v1/chat/completions"';
    assert.equal(calls(`${endpoint},provider="openai",status="200",error="none"`), 2);
    assert.equal(calls(`${endpoint},provider="none",status="401",error="invalid_api_key"`), 1);
    assert.match(text, /onevault_call_duration_seconds_count\{endpoint="\/v1\/chat\/completions"\} 3/);
    assert.match(text, /^onevault_calls_in_flight 0$/m);
  });

  it('give every response its own id, whatever the client sends', async () => {
    const headers = { 'x-request-id': 'mine' };
    const ids = new Set<string>();
    for (const path of ['/health', '/nowhere', '/v1/models', '/customers']) {
      const { request_id } = await gateway.send({ path, headers });
      assert.ok(isUuid(request_id));
      ids.add(request_id);
    }
    assert.equal(ids.size, 4);
  });
});

describe('a request', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('to an unknown path gets 404 in the envelope', async () => {
    for (const path of [
      '/',
      '/nowhere',
      '/v1',
      '/v1/chat',
      '/v1/chat/completions/more',
      '/healthy',
      '//customers',
      '/%00',
      '/%',
    ]) {
      const response = await gateway.get(path);
      assert.equal(response.status, 404, path);
      const error = errorOf(response);
      assert.equal(error.code, 'not_found');
      assert.equal(error.type, ERRORS.not_found.type);
      assert.equal(error.request_id, response.request_id);
    }
  });

  for (const [method, path, allow] of [
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/chat/completions', 'POST'],
    ['DELETE', '/v1/ai/completions', 'POST'],
    ['OPTIONS', '/v1/ai/completions', 'POST'],
    ['POST', '/v1/models', 'GET, HEAD'],
    ['POST', '/v1/models/gpt-4o', 'GET, HEAD'],
    ['PATCH', '/customers', 'GET, HEAD, POST'],
    ['POST', '/customers/acme', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['POST', '/api-keys/x', 'DELETE, GET, HEAD, PATCH, PUT'],
    ['POST', '/requests/x', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['DELETE', '/health/readiness', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
  ] as const) {
    it(`of ${method} to ${path} gets 405 that names ${allow}`, async () => {
      const response = await gateway.send({ method, path });
      assert.equal(response.status, 405);
      assert.equal(response.headers.allow, allow);
      assert.equal(errorOf(response).code, 'method_not_allowed');
      assert.match(errorOf(response).details!, new RegExp(allow));
    });
  }
});
