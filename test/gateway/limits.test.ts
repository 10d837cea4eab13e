import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { fixedClock } from '../../src/core/clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, until } from '../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

describe('the rate limit of an API key', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ clock });
  });
  after(() => gateway.close());

  it('is reported in headers, and a request beyond it gets 429 with the time to wait and is recorded', async () => {
    const { key } = await gateway.newCustomer({ slug: 'limited' }, { rate_limit_requests_per_minute: 3 });
    for (const remaining of ['2', '1', '0']) {
      const response = await gateway.chat(HELLO, key);
      assert.equal(response.status, 200);
      assert.equal(response.headers['ratelimit-limit'], '3');
      assert.equal(response.headers['ratelimit-remaining'], remaining);
    }
    const seen = gateway.sandbox.requests_seen();
    const response = await gateway.chat(HELLO, key);
    assert.equal(response.status, 429);
    assert.equal(errorOf(response).code, 'rate_limit_exceeded');
    assert.equal(response.headers['retry-after'], '20');
    assert.equal(response.headers['ratelimit-remaining'], '0');
    assert.equal(response.headers['ratelimit-reset'], '60');
    const call = await gateway.recorded(response.request_id);
    assert.equal(call.response_status, 'REFUSED');
    assert.equal(call.error_code, 'rate_limit_exceeded');
    assert.equal(call.customer, 'limited');
    assert.equal(gateway.sandbox.requests_seen(), seen);
    clock.advance(20_000);
    assert.equal((await gateway.chat(HELLO, key)).status, 200);
    assert.equal((await gateway.chat(HELLO, key)).status, 429);
  });

  it("is its customer's limit if the key has none, also in the headers of streamed calls", async () => {
    const { key } = await gateway.newCustomer({ slug: 'bounded', rate_limit_requests_per_minute: 1 });
    const response = await gateway.chat({ ...HELLO, stream: true }, key);
    assert.equal(response.headers['ratelimit-limit'], '1');
    assert.equal((await gateway.chat(HELLO, key)).status, 429);
  });

  it('is not reported if neither key nor customer has a limit', async () => {
    const response = await gateway.chat(HELLO);
    assert.equal(response.headers['ratelimit-limit'], undefined);
  });

  it('refuses a request before its body is read', async () => {
    const { key } = await gateway.newCustomer({ slug: 'early' }, { rate_limit_requests_per_minute: 1 });
    assert.equal((await gateway.chat({ model: 7 }, key)).status, 400);
    const request = httpRequest(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { ...bearer(key), 'content-type': 'application/json', 'content-length': '1000000' },
    });
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 429);
    request.on('error', () => {}).destroy();
  });

  it('is exact under concurrent calls', async () => {
    const { key } = await gateway.newCustomer({ slug: 'burst' }, { rate_limit_requests_per_minute: 10 });
    const responses = await Promise.all(Array.from({ length: 40 }, () => gateway.chat(HELLO, key)));
    assert.equal(responses.filter(({ status }) => status === 200).length, 10);
    assert.equal(responses.filter(({ status }) => status === 429).length, 30);
  });
});

describe('calls in flight', () => {
  let gateway: TestGateway;
  const released = Promise.withResolvers<void>();

  before(async () => {
    gateway = await startTestGateway({
      max_calls_in_flight: 2,
      aroundJournal: (journal) => ({
        ...journal,
        append: async (record) => {
          await released.promise;
          return journal.append(record);
        },
      }),
    });
  });
  after(() => gateway.close());

  it('beyond the limit get 503 at once, with the time to wait', async () => {
    const in_flight = [gateway.chat(HELLO), gateway.chat(HELLO)];
    const metrics = async (): Promise<string> => (await gateway.get('/metrics')).text;
    await until(async () => /^onevault_calls_in_flight 2$/m.test(await metrics()), 'two calls are in flight');
    const response = await gateway.chat(HELLO);
    assert.equal(response.status, 503);
    assert.equal(errorOf(response).code, 'overloaded');
    assert.equal(response.headers['retry-after'], '1');
    released.resolve();
    for (const { status } of await Promise.all(in_flight)) assert.equal(status, 200);
    assert.equal((await gateway.chat(HELLO)).status, 200);
    assert.match(await metrics(), /^onevault_calls_overloaded_total 1$/m);
  });
});
