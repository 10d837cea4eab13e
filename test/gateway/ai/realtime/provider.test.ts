import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../../../support/gateway.ts';
import { until } from '../../../support/http.ts';
import { openRealtime, refusedRealtime } from '../../../support/realtime.ts';
import { type RealtimeProvider, startRealtimeProvider } from '../../../support/realtime-provider.ts';
import { endOf, settledSession as settled } from '../../../support/realtime-records.ts';

describe('the provider of a realtime session', () => {
  let gateway: TestGateway;
  let provider: RealtimeProvider;
  before(async () => {
    provider = await startRealtimeProvider();
    gateway = await startTestGateway({
      base_urls: { openai: provider.url },
      client_timeout_ms: 1_000,
      realtime: { message_max_bytes: 200_000 },
    });
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });
  const target = () => ({ url: gateway.url, api_key: gateway.keys.api_key });
  const responseDone = (usage: object | null, id = 'r') =>
    JSON.stringify({ type: 'response.done', response: { id, status: 'completed', usage } });

  it('sees nothing of the client but what a session needs', async () => {
    provider.script((session) => session.close(1000));
    const session = await openRealtime({
      ...target(),
      protocols: ['realtime', `openai-insecure-api-key.${gateway.keys.api_key}`, 'openai-organization.org-1'],
      headers: { cookie: 'a=b', 'x-mine': '1', 'openai-beta': 'realtime=v1', origin: 'https://mine.example' },
    });
    await session.closed();
    const { path, headers } = provider.handshakes.at(-1)!;
    assert.equal(path, '/v1/realtime?model=gpt-realtime');
    const { host, 'sec-websocket-key': key, ...rest } = headers;
    assert.equal(host, new URL(provider.url).host);
    assert.ok(key !== undefined);
    assert.deepEqual(rest, {
      authorization: 'Bearer sk-upstream-1234567890',
      'openai-beta': 'realtime=v1',
      'user-agent': 'onevault-gateway',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'realtime',
    });
  });

  it('that refuses the handshake causes an HTTP error, which is recorded', async () => {
    for (const [status, expected, code] of [
      [401, 502, 'provider_error'],
      [429, 429, 'provider_rate_limited'],
      [404, 404, 'provider_rejected'],
      [500, 502, 'provider_error'],
    ] as const) {
      provider.refuse(status, JSON.stringify({ error: { message: 'No sk-upstream-1234567890 here' } }));
      const refused = await refusedRealtime(target());
      assert.deepEqual([refused.status, refused.code], [expected, code]);
      const call = await gateway.recorded(refused.request_id);
      assert.equal(call.response_status, 'ERROR');
      assert.equal(call.route!.attempts.at(-1)!.http_status, status);
      assert.doesNotMatch(call.error_message!, /1234567890/);
    }
  });

  it('exchanges text, pings and close codes with the client, and may send binary messages, but receives none', async () => {
    const received: string[] = [];
    provider.script((session) => {
      session.on('message', (data) => {
        received.push(String(data));
        session.send(Buffer.alloc(70_000, 7), { binary: true });
        session.ping('still there?');
      });
      session.on('pong', (data) => session.close(4000, String(data)));
    });
    const session = await openRealtime(target());
    const binary = new Promise<Buffer>((resolve) =>
      session.socket.on('message', (data, is_binary) => is_binary && resolve(data as Buffer)),
    );
    session.socket.send(Buffer.from('{"type":"response.create"}'), { binary: true });
    const refused = (await session.until('error')) as unknown as { error: { message: string } };
    assert.match(refused.error.message, /text messages/);
    session.send({ type: 'input_audio_buffer.clear' });
    assert.deepEqual(await binary, Buffer.alloc(70_000, 7));
    assert.deepEqual(await session.closed(), { code: 4000, reason: 'still there?' });
    assert.deepEqual(received, ['{"type":"input_audio_buffer.clear"}']);
    const call = await settled(gateway, session.request_id);
    assert.deepEqual([call.response_status, call.error_code], ['ERROR', 'provider_disconnected']);
    assert.equal(call.route!.attempts.at(-1)!.session!.close_code, 4000);
  });

  it('exchanges texts with the client byte for byte', async () => {
    const texts = [
      '{"type":"x"}',
      ' {\n"type" : "x", "n": 1.0, "big": 12345678901234567890, "e": "\\u00e9\\/", "é": "😀" }\t',
      `{"type":"x","pad":"${'é'.repeat(60_000)}"}`,
    ];
    const received: Buffer[] = [];
    provider.script((session) => {
      session.on('message', (data, is_binary) => {
        assert.equal(is_binary, false);
        received.push(data as Buffer);
        session.send(data, { binary: false });
      });
    });
    const session = await openRealtime(target());
    for (const text of texts) session.socket.send(text);
    await until(async () => session.received.length === texts.length, 'all came back');
    assert.deepEqual(received.map(String), texts);
    assert.deepEqual(session.received, texts);
    await session.close();
  });

  it('is paid for cached, audio and image tokens at the price of each', async () => {
    const usage = {
      total_tokens: 1_500,
      input_tokens: 1_000,
      output_tokens: 500,
      input_token_details: {
        text_tokens: 300,
        audio_tokens: 600,
        image_tokens: 100,
        cached_tokens: 500,
        cached_tokens_details: { text_tokens: 150, audio_tokens: 310, image_tokens: 40 },
      },
      output_token_details: { text_tokens: 120, audio_tokens: 380 },
    };
    provider.script((session) => {
      session.send(responseDone(usage, 'a'));
      session.send(responseDone(usage, 'b'));
      session.send(responseDone(null, 'c'));
    });
    const session = await openRealtime(target());
    for (let done = 0; done < 3; done += 1) await session.until('response.done');
    await session.close();
    const call = await settled(gateway, session.request_id);
    const { rating, session: facts } = call.route!.attempts.at(-1)!;
    assert.deepEqual(rating!.units, {
      request: 1,
      input: 300,
      cached_input: 300,
      audio_input: 580,
      cached_audio_input: 620,
      image_input: 120,
      cached_image_input: 80,
      output: 240,
      audio_output: 760,
    });
    assert.equal(facts!.responses, 3);
    const cost = 300 * 4 + 300 * 0.4 + 580 * 32 + 620 * 0.4 + 120 * 5 + 80 * 0.5 + 240 * 16 + 760 * 64;
    assert.equal(call.provider_cost, String(BigInt(Math.round(cost * 10)) * 100_000n));
  });

  it('that reports impossible usage ends the session', async () => {
    for (const usage of [{ input_tokens: -1 }, 7, { input_tokens: 1, input_token_details: { cached_tokens: 2 } }]) {
      provider.script((session) => session.send(responseDone(usage as object)));
      const session = await openRealtime(target());
      const { sent_error, call } = await endOf(gateway, session);
      assert.deepEqual([sent_error, call.error_code], ['provider_malformed', 'provider_malformed']);
    }
  });

  it('that sends a broken frame after a response is paid for the response', async () => {
    provider.script((session, socket) => {
      session.on('message', () => {
        // In one piece, so that the broken frame comes with the valid one.
        socket.cork();
        session.send(responseDone({ input_tokens: 10, output_tokens: 5 }));
        socket.write(Buffer.from([0xff, 0xff]));
        socket.uncork();
      });
    });
    const session = await openRealtime(target());
    session.send({ type: 'response.create' });
    const { sent_error, call } = await endOf(gateway, session);
    assert.deepEqual([sent_error, call.prompt_tokens, call.completion_tokens], ['provider_malformed', 10, 5]);
  });

  it('that breaks the WebSocket protocol ends the session', async () => {
    for (const bytes of [
      Buffer.from([0x91, 0x00]),
      Buffer.from([0x81, 0x81, 0, 0, 0, 0, 1]),
      Buffer.from([0x83, 0x00]),
      Buffer.from([0x80, 0x01, 0x20]),
      Buffer.from([0x88, 0x02, 0x00, 0x01]),
      Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      provider.script((_session, socket) => socket.write(bytes));
      const session = await openRealtime(target());
      const { sent_error, code } = await endOf(gateway, session);
      assert.deepEqual([sent_error, code], ['provider_malformed', 1011], bytes.toString('hex'));
    }
  });

  it('has to wait while the client reads nothing, and the session ends if it never does', async () => {
    const piece = Buffer.alloc(100_000, 1);
    let poured = 0;
    provider.script((session, socket) => {
      const pour = (): void => {
        while (socket.writable && !socket.writableNeedDrain && poured < 1_000) {
          session.send(piece);
          poured += 1;
        }
        if (poured < 1_000) socket.once('drain', pour);
      };
      pour();
    });
    const session = await openRealtime(target());
    session.socket.pause();
    await until(
      async () => /^onevault_calls_in_flight 0$/m.test((await gateway.get('/metrics')).text),
      'the session has ended',
    );
    assert.ok(poured < 300, `${poured} of 1000 messages of 100 kB were taken from the provider`);
    session.socket.resume();
    session.socket.terminate();
    assert.equal((await settled(gateway, session.request_id)).response_status, 'CANCELLED');
  });

  it('that cannot be reached causes an HTTP error', async () => {
    const elsewhere = await startTestGateway({ base_urls: { openai: 'http://127.0.0.1:1/v1' } });
    try {
      const refused = await refusedRealtime({ url: elsewhere.url, api_key: elsewhere.keys.api_key });
      assert.deepEqual([refused.status, refused.code], [502, 'provider_unreachable']);
      assert.equal((await elsewhere.recorded(refused.request_id)).error_code, 'provider_unreachable');
    } finally {
      await elsewhere.close();
    }
  });
});
