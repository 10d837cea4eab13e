import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { createTrafficCounter } from '../../../../src/gateway/ai/realtime/session.ts';
import { startTestGateway, type TestGateway } from '../../../support/gateway.ts';
import {
  commitmentTo,
  type DoneResponse,
  openRealtime,
  refusedRealtime,
  userMessage,
} from '../../../support/realtime.ts';
import { settledSession } from '../../../support/realtime-records.ts';

// gpt-realtime costs 4, 0.4 and 16 USD for a million tokens of text; the demo customer has its own markup.
const INPUT = 4_000_000n;
const OUTPUT = 16_000_000n;

describe('a realtime session', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ audit: { window_ms: 1 } });
  });
  after(() => gateway.close());

  const open = (path?: string, api_key = gateway.keys.api_key) =>
    openRealtime({ url: gateway.url, api_key, ...(path === undefined ? {} : { path }) });
  const settled = (request_id: string) => settledSession(gateway, request_id);
  const month = () => `demo/${new Date().toISOString().slice(0, 7)}`;

  it("serves OpenAI's SDK, and has its exact tokens and cost in the vault", async () => {
    const client = gateway.openai();
    const { port } = new URL(gateway.url);
    const session = new OpenAIRealtimeWS(
      // The SDK always uses TLS, even for http.
      { model: 'gpt-realtime', options: { createConnection: () => connect(Number(port), '127.0.0.1') } },
      client,
    );
    let request_id = '';
    session.socket.on('upgrade', ({ headers }) => {
      request_id = String(headers['x-request-id']);
    });
    const done: DoneResponse[] = [];
    let received = '';
    const prompt = (text: string): void => {
      session.send(userMessage(text) as never);
      session.send({ type: 'response.create' });
    };
    const before = gateway.budgets.total(month());
    await new Promise<void>((resolve, reject) => {
      session.on('error', reject);
      session.on('session.created', () => prompt('Good morning'));
      session.on('response.output_text.delta', ({ delta }) => {
        received += delta;
      });
      session.on('response.done', ({ response }) => {
        done.push(response as unknown as DoneResponse);
        if (done.length === 3) resolve();
        else prompt(`And turn ${done.length + 1}`);
      });
    });
    session.close();
    assert.match(received, /^You wrote: Good morning/);
    const call = await settled(request_id);
    const sum = (part: 'input_tokens' | 'output_tokens'): number =>
      done.reduce((total, { usage }) => total + usage[part], 0);
    const [input, output] = [sum('input_tokens'), sum('output_tokens')];
    assert.ok(input > 3 * 3 && output > 0);
    assert.deepEqual(
      [call.prompt_tokens, call.completion_tokens, call.total_tokens, call.usage_source],
      [input, output, input + output, 'provider'],
    );
    assert.deepEqual([call.response_status, call.http_status, call.error_code], ['SUCCESS', 101, null]);
    assert.deepEqual(
      [call.request_type, call.endpoint, call.model, call.provider, call.is_streamed, call.rating],
      ['realtime', '/v1/realtime', 'gpt-realtime', 'openai', true, 'RATED'],
    );
    assert.equal(call.provider_cost, String(BigInt(input) * INPUT + BigInt(output) * OUTPUT));
    assert.ok(call.request_latency_ms >= call.upstream_latency_ms!);
    const attempt = call.route!.attempts.at(-1)!;
    assert.deepEqual(attempt.session, {
      responses: 3,
      closed_by: 'client',
      close_code: 1000,
      client_messages: 6,
      provider_messages: attempt.session!.provider_messages,
    });
    assert.ok(attempt.session!.provider_messages > 20);
    assert.equal(attempt.http_status, 101);
    assert.equal(gateway.budgets.total(month()) - before, BigInt(call.customer_cost!));
    assert.deepEqual(await gateway.spentBefore().then((all) => all.at(-1)?.scope), 'demo');
  });

  it('has commitments to the messages of both directions', async () => {
    const session = await open();
    await session.prompt('Only you and I know');
    const texts = [...session.sent];
    session.socket.send(Buffer.from([0, 1, 255]));
    await session.until('error');
    await session.close();
    const [, request_salt, response_salt] = session.receipt.split('.');
    const call = await settled(session.request_id);
    assert.equal(call.request_commitment, commitmentTo(request_salt!, [...texts, Buffer.from([0, 1, 255])]));
    assert.equal(call.response_commitment, commitmentTo(response_salt!, session.received));
    assert.equal(call.response_bytes, Buffer.byteLength(session.received.join('')));
    assert.equal(call.request_bytes, Buffer.byteLength(texts.join('')) + 3);
  });

  it('has commitments that depend on where each message ends, and on its being text or binary', () => {
    const salt = Buffer.alloc(16, 1);
    const of = (...messages: ['text' | 'binary', string][]): string | null => {
      const counts = createTrafficCounter(salt);
      for (const [kind, text] of messages) counts.add({ kind, payload: Buffer.from(text) });
      return counts.commitment();
    };
    assert.equal(of(), null);
    const all = [
      of(['text', 'ab']),
      of(['text', 'a'], ['text', 'b']),
      of(['binary', 'ab']),
      of(['text', 'ab'], ['text', '']),
    ];
    assert.equal(new Set(all).size, all.length);
    assert.equal(of(['text', 'ab']), of(['text', 'ab']));
  });

  it('passes fragments, pings, pongs and close codes', async () => {
    const session = await open();
    const { socket } = session;
    const text = JSON.stringify(userMessage('in three pieces'));
    socket.send(text.slice(0, 10), { fin: false });
    socket.ping('are you there');
    socket.send(text.slice(10, 20), { fin: false });
    socket.send(text.slice(20), { fin: true });
    const [pong] = await new Promise<[Buffer]>((resolve) => socket.once('pong', (data) => resolve([data])));
    assert.equal(pong.toString(), 'are you there');
    await session.until('conversation.item.done');
    socket.send(JSON.stringify({ type: 'response.create' }));
    const { response } = await session.until('response.done');
    assert.equal((response as DoneResponse).output[0]!.content![0]!.text, 'You wrote: in three pieces');
    socket.close(4321, 'enough');
    assert.deepEqual(await session.closed(), { code: 4321, reason: 'enough' });
    const call = await settled(session.request_id);
    assert.equal(call.response_status, 'SUCCESS');
    assert.equal(call.route!.attempts.at(-1)!.session!.close_code, 4321);
  });

  it('opens with the API key among its subprotocols, and does not send it back', async () => {
    const session = await openRealtime({
      url: gateway.url,
      protocols: ['realtime', `openai-insecure-api-key.${gateway.keys.api_key}`, 'openai-beta.realtime-v1'],
    });
    assert.equal(session.socket.protocol, 'realtime');
    await session.close();
    assert.equal((await settled(session.request_id)).customer, 'demo');
  });

  it('is refused with HTTP, and recorded, for bad keys, models, parameters and handshakes', async () => {
    const { url, keys } = gateway;
    const api_key = keys.api_key;
    const cases = [
      [{ url }, 401, 'missing_api_key'],
      [{ url, api_key: 'sk_wrong' }, 401, 'invalid_api_key'],
      [{ url, protocols: ['realtime', 'openai-insecure-api-key.sk_wrong'] }, 401, 'invalid_api_key'],
      [{ url, api_key: keys.admin_key }, 403, 'forbidden'],
      [{ url, api_key, path: '/v1/realtime' }, 400, 'invalid_request'],
      [{ url, api_key, path: '/v1/realtime?model=' }, 400, 'invalid_request'],
      [{ url, api_key, path: '/v1/realtime?model=a&model=b' }, 400, 'invalid_request'],
      [{ url, api_key, path: '/v1/realtime?model=gpt-realtime&call_id=x' }, 400, 'unsupported_feature'],
      [{ url, api_key, path: '/v1/realtime?model=none' }, 404, 'model_not_found'],
      [{ url, api_key, path: '/v1/realtime?model=gpt-4o' }, 404, 'model_not_found'],
      [{ url, api_key, path: '/v1/realtime?model=claude-haiku-4-5' }, 404, 'model_not_found'],
    ] as const;
    const seen = gateway.sandbox.requests_seen();
    for (const [target, status, code] of cases) {
      const refused = await refusedRealtime(target);
      assert.deepEqual([refused.status, refused.code], [status, code]);
      const call = await gateway.recorded(refused.request_id);
      assert.deepEqual(
        [call.response_status, call.http_status, call.error_code, call.customer_cost],
        ['REFUSED', status, code, '0'],
      );
    }
    assert.equal(gateway.sandbox.requests_seen(), seen);
    const elsewhere = await refusedRealtime({ url, api_key, path: '/v1/elsewhere' });
    assert.deepEqual([elsewhere.status, elsewhere.code], [404, 'not_found']);
    const plain = await gateway.send({
      path: '/v1/realtime?model=gpt-realtime',
      headers: { authorization: `Bearer ${api_key}` },
    });
    assert.equal(plain.status, 426);
    for (const [header, value, status] of [
      ['sec-websocket-version', '8', 426],
      ['sec-websocket-key', 'short', 400],
    ] as const) {
      const handshake = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13' };
      const given = { ...handshake, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', [header]: value };
      const path = '/v1/realtime?model=gpt-realtime';
      const client_response = await gateway.send({ path, headers: { authorization: `Bearer ${api_key}`, ...given } });
      assert.equal(client_response.status, status);
    }
    const other = await gateway.send({
      path: '/v1/models',
      headers: { authorization: `Bearer ${api_key}`, upgrade: 'h2c', connection: 'Upgrade' },
    });
    assert.equal(other.status, 200, 'a request for another protocol is answered with HTTP');
  });

  it('has compliance flags for the content of its messages', async () => {
    const session = await open();
    await session.prompt('Patient with MRN 12345678, card 4111 1111 1111 1111');
    await session.close();
    assert.deepEqual((await settled(session.request_id)).compliance_flags, ['PHI', 'CARD']);
  });

  it('answers an event that it does not pass with an error event, and goes on', async () => {
    const session = await open();
    const refuses = async (text: string, code: string, event_id: string | null): Promise<void> => {
      session.socket.send(text);
      const { error } = (await session.until('error')) as unknown as {
        error: { code: string; event_id: unknown };
      };
      assert.deepEqual([error.code, error.event_id], [code, event_id], text);
    };
    await refuses('{', 'malformed_json', null);
    await refuses('[]', 'invalid_request', null);
    await refuses('{"type":1,"event_id":"a"}', 'invalid_request', 'a');
    await refuses('{"type":"session.update","event_id":"b","ty\\u0070e":"response.create"}', 'invalid_request', 'b');
    await refuses('{"type":"session.update","event_id":"c","session":{"model":"gpt-4o"}}', 'invalid_request', 'c');
    await refuses('{"type":"response.create","event_id":"d","response":{"model":"gpt-4o"}}', 'invalid_request', 'd');
    const transcripts = { audio: { input: { transcription: { model: 'whisper-1' } } } };
    await refuses(
      JSON.stringify({ type: 'session.update', event_id: 'e', session: transcripts }),
      'unpriced_model',
      'e',
    );
    assert.equal((await session.prompt('Still there?')).status, 'completed');
    await session.close();
  });
});
