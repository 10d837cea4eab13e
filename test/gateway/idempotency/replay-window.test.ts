import assert from 'node:assert/strict';
import { fixedClock } from '../../../src/core/clock.ts';
import { createReplayStore } from '../../../src/gateway/idempotency/replay-store.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, type ClientResponse, errorOf } from '../../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'One two three' }] };
const OWN_HEADERS = ['x-request-id', 'x-onevault-receipt', 'date', 'content-length', 'transfer-encoding', 'connection'];

describe('a call of a customer with a replay window', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  let gateway: TestGateway;
  let api_key: string;

  before(async () => {
    gateway = await startTestGateway({ clock, replay_limit_bytes: 100_000 });
    api_key = (await gateway.newCustomer({ slug: 'again', replay_window_s: 60 })).key;
  });
  after(() => gateway.close());

  const call = (key: string, body: object = HELLO, path = '/v1/chat/completions', caller = api_key) =>
    gateway.send({
      method: 'POST',
      path,
      headers: { ...bearer(caller), 'idempotency-key': key },
      body: JSON.stringify(body),
    });
  const shared = ({ headers }: ClientResponse): object =>
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name) && name !== 'idempotent-replayed'),
    );

  for (const [what, body, path] of [
    ['a whole response', HELLO, '/v1/chat/completions'],
    ['a stream', { ...HELLO, stream: true }, '/v1/chat/completions'],
    ['bytes', { model: 'gpt-4o-mini-tts', input: 'Hello', voice: 'alloy' }, '/v1/audio/speech'],
  ] as const) {
    it(`gets ${what} again, without another call to the provider and without cost`, async () => {
      const first = await call(what, body, path);
      assert.equal(first.status, 200, first.text);
      assert.equal(first.headers['idempotent-replayed'], undefined);
      const seen = gateway.sandbox.requests_seen();
      const again = await call(what, body, path);
      assert.equal(again.status, 200, again.text);
      assert.equal(again.headers['idempotent-replayed'], 'true');
      assert.equal(again.text, first.text);
      assert.deepEqual(shared(again), shared(first));
      assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id']);
      assert.equal(gateway.sandbox.requests_seen(), seen);
      const row = await gateway.recorded(String(again.headers['x-request-id']));
      assert.equal(row.response_status, 'SUCCESS');
      assert.equal(row.customer_cost, '0');
      assert.equal(row.total_tokens, null);
      assert.equal(row.route_reason, `repeats the response of ${first.headers['x-request-id']}`);
    });
  }

  it('with another body is refused, and of another customer is executed', async () => {
    assert.equal((await call('mine')).status, 200);
    assert.equal((await call('mine', { ...HELLO, temperature: 0.5 })).status, 422);
    const other = (await gateway.newCustomer({ slug: 'other', replay_window_s: 60 })).key;
    const first = await call('mine', HELLO, '/v1/chat/completions', other);
    assert.equal(first.headers['idempotent-replayed'], undefined);
  });

  it('gets no stream in another form than it chose by its query', async () => {
    const path = '/v1beta/models/gemini-2.5-flash:streamGenerateContent';
    const body = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] };
    const first = await call('forms', body, path);
    assert.equal(first.headers['content-type'], 'application/json; charset=utf-8', first.text);
    const events = await call('forms', body, `${path}?alt=sse`);
    assert.equal(events.status, 409, events.text);
    assert.equal(events.headers['idempotent-replayed'], undefined);
    assert.equal((await call('forms', body, path)).text, first.text);
  });

  it('gets the facts of the first call if its response made room for later ones', async () => {
    const long = { ...HELLO, stream: true, messages: [{ role: 'user', content: 'Hi [[sandbox: tokens=200]]' }] };
    const first = await call('long 1', long);
    assert.ok(first.text.length > 40_000 && first.text.length < 100_000, String(first.text.length));
    assert.equal((await call('long 1', long)).headers['idempotent-replayed'], 'true');
    for (const key of ['long 2', 'long 3']) assert.equal((await call(key, long)).status, 200);
    const evicted = await call('long 1', long);
    assert.equal(evicted.status, 409);
    assert.equal(errorOf(evicted).code, 'already_executed');
    assert.equal((await call('long 3', long)).headers['idempotent-replayed'], 'true');
  });

  it('is answered with the facts of the first call when the window is over', async () => {
    assert.equal((await call('late')).status, 200);
    clock.advance(60_000);
    const late = await call('late');
    assert.equal(late.status, 409);
    assert.equal(errorOf(late).code, 'already_executed');
  });

  it('is answered with the facts of the first call when the window was switched off, from the next moment', async () => {
    const { key } = await gateway.newCustomer({ slug: 'off', replay_window_s: 600 });
    assert.equal((await call('soon off', HELLO, '/v1/chat/completions', key)).status, 200);
    const path = '/v1/customers/off';
    const etag = String((await gateway.admin('GET', path)).headers.etag);
    const headers = { ...bearer(gateway.keys.admin_key), 'if-match': etag };
    const changed = await gateway.send({ method: 'PATCH', path, headers, body: '{"replay_window_s":null}' });
    assert.equal(changed.status, 200, changed.text);
    assert.equal((await call('soon off', HELLO, '/v1/chat/completions', key)).status, 409);
  });

  it('that failed is not repeated', async () => {
    const failing = { ...HELLO, messages: [{ role: 'user', content: 'Hi [[sandbox: status=500]]' }] };
    const first = await call('failing', failing);
    assert.ok(first.status >= 500, first.text);
    const again = await call('failing', failing);
    assert.equal(again.headers['idempotent-replayed'], undefined);
  });

  it('has a window of at most ten minutes', async () => {
    for (const replay_window_s of [0, -1, 601, 1.5, '60', true]) {
      const refused = await gateway.admin('POST', '/v1/customers', { slug: 'wrong', replay_window_s });
      assert.equal(refused.status, 422, JSON.stringify(replay_window_s));
    }
  });
});

describe('the store of responses to repeat', () => {
  const clock = fixedClock('2026-11-21T10:00:00Z');
  const response = (bytes: number) => ({ headers: { 'content-type': 'text/plain' }, body: Buffer.alloc(bytes, 'a') });
  const key = (key_hash: string, customer = 'acme') => ({ customer, key_hash, form: '' });

  it('drops the oldest responses for a new one, and keeps none that is larger than all room', () => {
    const store = createReplayStore(10_000, clock);
    for (const name of ['1', '2', '3']) store.keep(key(name), response(4_000));
    assert.equal(store.find(key('1'), 60), null);
    assert.deepEqual(store.find(key('3'), 60), response(4_000));
    store.keep(key('4'), response(20_000));
    assert.equal(store.find(key('4'), 60), null);
    assert.deepEqual(store.find(key('2'), 60), response(4_000));
    store.close();
  });

  it('separates customers and keys whose names run into each other', () => {
    const store = createReplayStore(10_000, clock);
    store.keep(key('bc', 'a'), response(1));
    assert.equal(store.find(key('c', 'ab'), 60), null);
    assert.equal(store.find(key('bc', 'b'), 60), null);
    store.close();
    assert.equal(store.find(key('bc', 'a'), 60), null);
  });
});
