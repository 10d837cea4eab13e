import assert from 'node:assert/strict';
import { fixedClock } from '../../src/core/clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };

describe("a key's requests a minute", () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ clock });
  });
  after(() => gateway.close());

  it('are told in headers, and beyond them is 429 with the time to wait, recorded', async () => {
    const { key } = await gateway.newCustomer({ slug: 'limited' }, { rate_limit_requests_per_minute: 3 });
    for (const remaining of ['2', '1', '0']) {
      const reply = await gateway.chat(HELLO, key);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['ratelimit-limit'], '3');
      assert.equal(reply.headers['ratelimit-remaining'], remaining);
    }
    const seen = gateway.sandbox.requests_seen();
    const reply = await gateway.chat(HELLO, key);
    assert.equal(reply.status, 429);
    assert.equal(errorOf(reply).code, 'rate_limit_exceeded');
    assert.equal(reply.headers['retry-after'], '20');
    assert.equal(reply.headers['ratelimit-remaining'], '0');
    assert.equal(reply.headers['ratelimit-reset'], '60');
    const call = await gateway.recorded(reply.request_id);
    assert.equal(call.response_status, 'REFUSED');
    assert.equal(call.error_code, 'rate_limit_exceeded');
    assert.equal(call.customer, 'limited');
    assert.equal(gateway.sandbox.requests_seen(), seen);
    clock.advance(20_000);
    assert.equal((await gateway.chat(HELLO, key)).status, 200);
    assert.equal((await gateway.chat(HELLO, key)).status, 429);
  });

  it("are those of its customer where the key has none of its own, streamed calls' headers too", async () => {
    const { key } = await gateway.newCustomer({ slug: 'bounded', rate_limit_requests_per_minute: 1 });
    const reply = await gateway.chat({ ...HELLO, stream: true }, key);
    assert.equal(reply.headers['ratelimit-limit'], '1');
    assert.equal((await gateway.chat(HELLO, key)).status, 429);
  });

  it('are not told where there is no limit', async () => {
    const reply = await gateway.chat(HELLO);
    assert.equal(reply.headers['ratelimit-limit'], undefined);
  });

  it('hold under calls at once', async () => {
    const { key } = await gateway.newCustomer({ slug: 'burst' }, { rate_limit_requests_per_minute: 10 });
    const replies = await Promise.all(Array.from({ length: 40 }, () => gateway.chat(HELLO, key)));
    assert.equal(replies.filter(({ status }) => status === 200).length, 10);
    assert.equal(replies.filter(({ status }) => status === 429).length, 30);
  });
});

describe('calls in flight', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ max_calls_in_flight: 2 });
  });
  after(() => gateway.close());

  it('beyond the limit get 503 at once, with the time to wait', async () => {
    const slow = { ...HELLO, messages: [{ role: 'user', content: 'Hi [[sandbox: latency_ms=150]]' }] };
    const under_way = [gateway.chat(slow), gateway.chat(slow)];
    const reply = await gateway.chat(HELLO);
    assert.equal(reply.status, 503);
    assert.equal(errorOf(reply).code, 'overloaded');
    assert.equal(reply.headers['retry-after'], '1');
    for (const { status } of await Promise.all(under_way)) assert.equal(status, 200);
    assert.equal((await gateway.chat(HELLO)).status, 200);
    const { text } = await gateway.get('/metrics');
    assert.match(text, /^onevault_calls_overloaded_total 1$/m);
  });
});
