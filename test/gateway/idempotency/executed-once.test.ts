import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { fixedClock } from '../../../src/core/clock.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, until } from '../../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'One two three' }] };

interface Envelope {
  readonly error: {
    readonly code: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly param: string;
  };
}

const errorIn = (client_response: ClientResponse): Envelope['error'] => (client_response.json as Envelope).error;

/** OpenAI's SDK as its users set it up to send an Idempotency-Key with every request. */
class IdempotentOpenAI extends OpenAI {
  protected override idempotencyHeader = 'Idempotency-Key';
}

/** A proxy that cuts the connection instead of sending responses, while `cuts` is positive. */
interface CuttingProxy {
  readonly url: string;
  cuts: number;
  requests: number;
  close(): Promise<void>;
}

const startCuttingProxy = async (target: string): Promise<CuttingProxy> => {
  const server: Server = createServer((request, response) => {
    proxy.requests += 1;
    const { method, headers } = request;
    const sent = httpRequest(`${target}${request.url}`, { method: method!, headers }, async (client_response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of client_response as AsyncIterable<Buffer>) chunks.push(chunk);
      if (proxy.cuts > 0) {
        proxy.cuts -= 1;
        request.socket.destroy();
        return;
      }
      response.writeHead(client_response.statusCode!, client_response.headers).end(Buffer.concat(chunks));
    });
    request.pipe(sent);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: 0,
    requests: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
};

describe('a call with an Idempotency-Key', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;
  let proxy: CuttingProxy;

  before(async () => {
    gateway = await startTestGateway({ clock });
    proxy = await startCuttingProxy(gateway.url);
  });
  after(async () => {
    await proxy.close();
    await gateway.close();
  });

  const call = (key: string, body: object = HELLO, path = '/v1/chat/completions', api_key = gateway.keys.api_key) =>
    gateway.send({
      method: 'POST',
      path,
      headers: { ...bearer(api_key), 'idempotency-key': key },
      body: JSON.stringify(body),
    });
  const executed = async (): Promise<{ count: number; cost: string }> => {
    await gateway.drain();
    const [row] = await gateway.database.sql<[{ count: number; cost: string }]>`
      select count(*) as count, coalesce(sum(customer_cost), 0) as cost
      from gateway.api_request_s
      where response_status = 'SUCCESS' and http_status = 200`;
    return row;
  };

  it('is executed and billed once if a proxy cuts the response and the SDK retries', async () => {
    const before = await executed();
    const seen = gateway.sandbox.requests_seen();
    proxy.cuts = 1;
    proxy.requests = 0;
    const client = new IdempotentOpenAI({ baseURL: `${proxy.url}/v1`, apiKey: gateway.keys.api_key, maxRetries: 3 });
    const error: unknown = await client.chat.completions.create(HELLO, { idempotencyKey: 'order 1' }).then(
      () => assert.fail('the response is not stored'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.status, 409);
    assert.equal(error.code, 'already_executed');
    // The first request and one retry: x-should-retry ends the retries.
    assert.equal(proxy.requests, 2);
    assert.equal(gateway.sandbox.requests_seen(), seen + 1);
    const after = await executed();
    assert.equal(after.count, before.count + 1);
    const { details } = error.error as { details: Record<string, unknown> };
    const first = await gateway.recorded(String(details.request_id));
    assert.equal(BigInt(after.cost) - BigInt(before.cost), BigInt(first.customer_cost!));
    assert.deepEqual(details, {
      request_id: first.request_id,
      received_at: '2026-11-21T10:00:00.000Z',
      status: 'SUCCESS',
      http_status: 200,
      usage: {
        prompt_tokens: first.prompt_tokens,
        completion_tokens: first.completion_tokens,
        total_tokens: first.total_tokens,
      },
      cost: details.cost,
    });
    assert.match(String(details.cost), /^0\.0+[1-9]\d*$/);
  });

  it('is executed once if the gateway restarts before the retry, whether the journal or the vault has the call', async () => {
    const seen = gateway.sandbox.requests_seen();
    assert.equal((await call('before a restart')).status, 200);
    await gateway.restart();
    const from_journal = await call('before a restart');
    assert.equal(from_journal.status, 409);
    assert.equal(errorIn(from_journal).details.status, 'SUCCESS');
    await gateway.drain();
    await gateway.restart();
    const from_vault = await call('before a restart');
    assert.equal(from_vault.headers['x-should-retry'], 'false');
    assert.deepEqual(errorIn(from_vault).details, errorIn(from_journal).details);
    assert.equal((await call('before a restart', { ...HELLO, max_tokens: 5 })).status, 422);
    assert.equal(gateway.sandbox.requests_seen(), seen + 1);
  });

  it('is executed by one of eight concurrent duplicates', async () => {
    const seen = gateway.sandbox.requests_seen();
    const client_responses = await Promise.all(Array.from({ length: 8 }, () => call('eight at once')));
    assert.equal(gateway.sandbox.requests_seen(), seen + 1);
    assert.deepEqual(client_responses.map(({ status }) => status).sort(), [200, ...Array(7).fill(409)]);
    for (const client_response of client_responses.filter(({ status }) => status === 409)) {
      const { code } = errorIn(client_response);
      assert.ok(code === 'request_in_progress' || code === 'already_executed', code);
    }
  });

  it('is refused with the time to retry while the first call is running, and with its facts afterwards', async () => {
    const slow = { ...HELLO, messages: [{ role: 'user', content: 'Hi [[sandbox: latency_ms=300]]' }] };
    const seen = gateway.sandbox.requests_seen();
    const first = call('still running', slow);
    await until(() => gateway.sandbox.requests_seen() === seen + 1, 'the provider has the first call');
    const second = await call('still running', slow);
    assert.equal(second.status, 409);
    assert.equal(errorIn(second).code, 'request_in_progress');
    assert.equal(second.headers['retry-after'], '1');
    assert.equal(second.headers['x-should-retry'], 'true');
    assert.equal((await first).status, 200);
    assert.equal(errorIn(await call('still running', slow)).code, 'already_executed');
  });

  it('with another body is refused, and the key stays with its first call', async () => {
    assert.equal((await call('one body')).status, 200);
    const other = await call('one body', { ...HELLO, temperature: 0.5 });
    assert.equal(other.status, 422);
    assert.equal(errorIn(other).code, 'idempotency_key_reused');
    assert.equal(errorIn(await call('one body')).code, 'already_executed');
  });

  it('is another call on another path and of another customer', async () => {
    assert.equal((await call('scoped')).status, 200);
    const { key } = await gateway.newCustomer({ slug: 'scoped' });
    assert.equal((await call('scoped', HELLO, '/v1/chat/completions', key)).status, 200);
    assert.equal((await call('scoped', { model: 'gpt-4o-mini', input: 'Hi' }, '/v1/responses')).status, 200);
  });

  it('is executed again after 24 h', async () => {
    assert.equal((await call('a day later')).status, 200);
    clock.advance(86_399_000);
    assert.equal((await call('a day later')).status, 409);
    clock.advance(1_000);
    assert.equal((await call('a day later')).status, 200);
  });

  it('does not consume its key if it is refused before it leaves, or if the provider refuses it', async () => {
    const unknown = await call('refused', { ...HELLO, model: 'no-such-model' });
    assert.equal(unknown.status, 404);
    const limited = await call('refused', {
      ...HELLO,
      messages: [{ role: 'user', content: 'Hi [[sandbox: status=429]]' }],
    });
    assert.equal(limited.status, 429);
    await gateway.drain();
    await gateway.restart();
    assert.equal((await call('refused')).status, 200);
    assert.equal((await call('refused')).status, 409);
  });

  it('keeps its key if the connection to the provider broke, because the provider may have executed it', async () => {
    const broken = {
      ...HELLO,
      stream: true,
      messages: [{ role: 'user', content: 'One two three [[sandbox: tokens=40 cut_after=5]]' }],
    };
    await call('broken', broken);
    const again = await call('broken', broken);
    assert.equal(errorIn(again).code, 'already_executed');
    assert.equal(errorIn(again).details.status, 'ERROR');
  });

  it('reports a repeated key in the format of each protocol', async () => {
    const message = { model: 'claude-haiku-4-5', max_tokens: 20, messages: HELLO.messages };
    assert.equal((await call('anthropic', message, '/v1/messages')).status, 200);
    const anthropic = (await call('anthropic', message, '/v1/messages')).json as Envelope & { type: string };
    assert.equal(anthropic.type, 'error');
    assert.equal(anthropic.error.details.status, 'SUCCESS');
    const path = '/v1beta/models/gemini-2.5-flash:generateContent';
    const content = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] };
    assert.equal((await call('google', content, path)).status, 200);
    const google = (await call('google', content, path)).json as {
      error: { status: string; details: [{ reason: string; metadata: Record<string, string> }] };
    };
    assert.equal(google.error.status, 'ABORTED');
    assert.equal(google.error.details[0].reason, 'ALREADY_EXECUTED');
    assert.match(google.error.details[0].metadata.first_request_id!, /^[0-9a-f-]{36}$/);
  });

  for (const [fault, key] of [
    ['is empty', ''],
    ['has 256 characters', 'k'.repeat(256)],
    ['is not printable', 'a\tb'],
    ['is not ASCII', 'clé'],
  ] as const) {
    it(`is refused with the name of the header if the key ${fault}`, async () => {
      const seen = gateway.sandbox.requests_seen();
      const client_response = await call(key);
      assert.equal(client_response.status, 400);
      assert.equal(errorIn(client_response).param, 'header.Idempotency-Key');
      assert.equal(gateway.sandbox.requests_seen(), seen);
    });
  }

  it('is refused if the header appears twice, and accepted with 255 characters', async () => {
    const headers = { ...bearer(gateway.keys.api_key), 'idempotency-key': ['a', 'b'] as unknown as string };
    const client_response = await gateway.send({
      method: 'POST',
      path: '/v1/chat/completions',
      headers,
      body: JSON.stringify(HELLO),
    });
    assert.equal(client_response.status, 400);
    assert.equal(errorIn(client_response).param, 'header.Idempotency-Key');
    assert.equal((await call('k'.repeat(255))).status, 200);
  });

  it('leaves no readable key in the journal or the vault', async () => {
    const client_response = await call('patient-4711');
    await gateway.drain();
    const [row] = await gateway.database.sql<[{ key_hash: string; body_hash: string }]>`
      select i.key_hash, i.body_hash
      from gateway.api_request_idempotency_s i
      join gateway.api_request_h h using (api_request_hk)
      where h.api_request_bk = ${client_response.request_id}`;
    assert.match(row.key_hash, /^[0-9a-f]{64}$/);
    assert.match(row.body_hash, /^[0-9a-f]{64}$/);
    const [secret] = await gateway.database.sql<[{ sealed_secret: string }]>`
      select sealed_secret from privacy.installation_secret`;
    assert.ok(secret.sealed_secret.length > 64);
  });
});
