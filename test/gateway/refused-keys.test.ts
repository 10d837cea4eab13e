import assert from 'node:assert/strict';
import { fixedClock } from '../../src/core/clock.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf } from '../support/http.ts';

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] });
const PER_MINUTE = 20;

describe('calls without a valid key', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ clock, refused_keys_per_minute: PER_MINUTE });
  });
  after(() => gateway.close());

  const send = (key: string | null) =>
    gateway.send({ method: 'POST', path: CHAT, body: BODY, headers: key === null ? {} : bearer(key) });

  it('are limited by address and recorded once for each reason, and their counts are exact', async () => {
    const unknown = await Promise.all(Array.from({ length: 9 }, (_, index) => send(`sk_${index}`)));
    const missing = await Promise.all(Array.from({ length: 11 }, () => send(null)));
    assert.ok([...unknown, ...missing].every(({ status }) => status === 401));
    const beyond = await Promise.all(Array.from({ length: 5 }, () => send('sk_more')));
    for (const reply of beyond) {
      assert.equal(reply.status, 429, reply.text);
      assert.equal(reply.headers['retry-after'], '3');
      assert.match(errorOf(reply).details!, /more than 20 requests without a valid API key/);
    }
    assert.equal((await gateway.chat(JSON.parse(BODY) as object)).status, 200, 'a valid key of the address is served');
    const receipts = [...unknown, ...missing, ...beyond].filter(({ headers }) => 'x-onevault-receipt' in headers);
    assert.equal(receipts.length, 3, 'a receipt is of a record');
    clock.advance(3_000);
    assert.equal((await send('sk_again')).status, 401, 'the limit frees one request after three seconds');
    // The end of the process reports the counts.
    await gateway.restart();
    await gateway.drain();
    const { sql } = gateway.database;
    const recorded = await sql<{ error_code: string; calls: number }[]>`
      select error_code, count(*) as calls
      from gateway.api_request_s
      where http_status in (401, 429)
      group by error_code
      order by error_code`;
    assert.deepEqual(
      [...recorded],
      [
        { error_code: 'invalid_api_key', calls: 1 },
        { error_code: 'missing_api_key', calls: 1 },
        { error_code: 'rate_limit_exceeded', calls: 1 },
      ],
    );
    const { json } = await gateway.admin('GET', '/v1/audit/events?action=login.fail&from=2026-11-21T09:00:00Z');
    const counted = (json as { data: { reason: string; event_count: number; request_ip: string }[] }).data;
    assert.deepEqual(
      counted.map(({ reason, event_count, request_ip }) => [reason, event_count, request_ip]).toSorted(),
      [
        ['invalid_api_key', 9, '127.0.0.1'],
        ['missing_api_key', 10, '127.0.0.1'],
        ['rate_limit_exceeded', 4, '127.0.0.1'],
      ],
    );
  });

  it('are recorded without a customer; a revoked key names its customer', async () => {
    const { key, id } = await gateway.newCustomer({ slug: 'revoked' });
    clock.advance(60_000);
    assert.equal((await gateway.admin('DELETE', `/api-keys/${id}`)).status, 200);
    const [first, second] = [await send(key), await send(key)];
    assert.deepEqual([first.status, second.status], [401, 401]);
    assert.equal((await gateway.recorded(first.request_id)).customer, 'revoked');
  });
});
