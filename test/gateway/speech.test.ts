import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { assertCommitted, SOUND } from '../support/audio.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, until } from '../support/http.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const PATH = '/v1/audio/speech';
const REQUEST = { model: 'gpt-4o-mini-tts', input: 'One two three four five', voice: 'alloy' };
const DELTA = '{"type":"speech.audio.delta","audio":"UklGRg=="}';
const DONE = '{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}';

/** Sends the headers and the first chunks of audio. */
const sendAudio = (response: ServerResponse, chunks: readonly Buffer[], content_type = 'audio/mpeg'): void => {
  response.writeHead(200, { 'content-type': content_type });
  for (const chunk of chunks) response.write(chunk);
};

describe('POST /v1/audio/speech', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { openai: upstream.url } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const speak = (more: object = {}): Promise<Response> =>
    fetch(`${gateway.url}${PATH}`, {
      method: 'POST',
      headers: bearer(gateway.keys.api_key),
      body: JSON.stringify({ ...REQUEST, ...more }),
    });
  const recorded = (response: Response) => gateway.recorded(response.headers.get('x-request-id')!);

  it('passes audio through in chunks as they come, to the last byte, and commits to them', async () => {
    let finish = (): void => {};
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      finish = () => response.end(Buffer.of(0, 255));
    });
    const response = await speak();
    assert.equal(response.headers.get('content-type'), 'audio/mpeg');
    assert.equal(response.headers.get('transfer-encoding'), 'chunked');
    const reader = response.body!.getReader();
    const chunks: Uint8Array[] = [];
    // The first chunk arrives before the provider sends the last one.
    while (chunks.reduce((sum, { length }) => sum + length, 0) < SOUND.length)
      chunks.push((await reader.read()).value!);
    finish();
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
    const received = Buffer.concat(chunks);
    assert.ok(received.equals(Buffer.concat([SOUND, Buffer.of(0, 255)])));
    const seen = upstream.received.at(-1)!;
    assert.deepEqual([seen.url, seen.body], ['/audio/speech', JSON.stringify(REQUEST)]);
    const receipt = response.headers.get('x-onevault-receipt');
    const request_id = response.headers.get('x-request-id')!;
    await assertCommitted(gateway, { receipt, request_id }, { sent: seen.bytes, received });
    const call = await gateway.recorded(request_id);
    assert.deepEqual([call.request_type, call.is_streamed, call.response_status], ['speech', true, 'SUCCESS']);
  });

  it('counts and prices audio without reported usage, within the reservation', async () => {
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      response.end();
    });
    for (const [more, seconds] of [
      [{}, 5 / 2.5],
      [{ speed: 0.5 }, 5 / 2.5 / 0.5],
      [{ speed: 4, response_format: 'pcm' }, 5 / 2.5 / 4],
    ] as const) {
      const response = await speak(more);
      await response.arrayBuffer();
      const call = await recorded(response);
      assert.deepEqual([call.usage_source, call.rating], ['counted', 'RATED']);
      assert.deepEqual([call.prompt_tokens, call.completion_tokens], [5, Math.ceil(seconds * 21)]);
      // Text costs 0.60 and audio 12.00 USD for a million tokens.
      assert.equal(call.provider_cost, String(5n * 600_000n + BigInt(call.completion_tokens!) * 12_000_000n));
      assert.ok(BigInt(call.route!.candidates[0]!.worst_cost!) >= BigInt(call.customer_cost!));
    }
  });

  it('charges tts-1 by the characters of the text, counted as code points, and gpt-4o-mini-tts by tokens alone', async () => {
    const answer = (response: ServerResponse): void => {
      sendAudio(response, [SOUND]);
      response.end();
    };
    for (const [input, characters] of [
      ['Hällo', 5n],
      ['👩‍🚀 up', 6n],
      ['e\u0301', 2n],
      ['\ud800x', 2n],
      ['x'.repeat(4_000), 4_000n],
    ] as const) {
      upstream.script(answer);
      const response = await speak({ model: 'tts-1', input, instructions: 'Not charged' });
      await response.arrayBuffer();
      const call = await recorded(response);
      assert.deepEqual([call.rating, call.provider_cost], ['RATED', String(characters * 15_000_000n)]);
      assert.ok(BigInt(call.route!.candidates[0]!.worst_cost!) >= BigInt(call.customer_cost!));
      assert.deepEqual(call.route!.attempts.at(-1)!.rating!.units.character, Number(characters));
    }
    upstream.script(answer);
    const response = await speak();
    await response.arrayBuffer();
    assert.equal((await recorded(response)).route!.attempts.at(-1)!.rating!.units.character, undefined);
  });

  it('refuses a text whose characters cost more than the budget', async () => {
    const { key } = await gateway.newCustomer({ slug: 'thrifty', cost_budget_daily: '0.03' });
    const input = 'x'.repeat(2_001);
    const refused = await gateway.post(PATH, { ...REQUEST, model: 'tts-1', input }, key);
    assert.deepEqual([refused.status, errorOf(refused).code], [402, 'budget_exceeded']);
  });

  it('passes events through, sends the last one when the call is on disk, and records their usage', async () => {
    upstream.script((response) => sendFrames(response, [DELTA, DELTA, DONE]));
    const response = await speak({ stream_format: 'sse' });
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
    assert.equal(await response.text(), [DELTA, DELTA, DONE].map((frame) => `data: ${frame}\n\n`).join(''));
    const call = await recorded(response);
    assert.deepEqual([call.usage_source, call.prompt_tokens, call.completion_tokens], ['provider', 14, 101]);
    assert.equal(call.provider_cost, String(14n * 600_000n + 101n * 12_000_000n));
  });

  it('passes the response through by its content type, whether chunks or events were requested', async () => {
    upstream.script((response) => sendFrames(response, [DELTA, DONE]));
    const events = await speak();
    assert.equal(await events.text(), `data: ${DELTA}\n\ndata: ${DONE}\n\n`);
    assert.equal((await recorded(events)).usage_source, 'provider');
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      response.end();
    });
    const chunks = await speak({ stream_format: 'sse' });
    assert.equal(chunks.headers.get('content-type'), 'audio/mpeg');
    assert.ok(Buffer.from(await chunks.arrayBuffer()).equals(SOUND));
  });

  it('cuts the connection of incomplete audio, so that no client takes it as complete, and charges for it', async () => {
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      setImmediate(() => response.destroy());
    });
    const response = await speak();
    assert.equal(response.status, 200);
    await assert.rejects(response.arrayBuffer());
    const call = await recorded(response);
    assert.deepEqual([call.response_status, call.error_code], ['ERROR', 'provider_disconnected']);
    assert.deepEqual([call.usage_source, call.rating, call.completion_tokens], ['counted', 'RATED', 42]);
  });

  it('reports that events broke off, and charges for the audio', async () => {
    for (const frames of [[DELTA], [DELTA, '{"type":"error","error":{"message":"No."}}']]) {
      upstream.script((response) => sendFrames(response, frames));
      const response = await speak({ stream_format: 'sse' });
      assert.match(await response.text(), /"error":\{"code":"provider_/);
      const call = await recorded(response);
      assert.deepEqual([call.response_status, call.usage_source, call.rating], ['ERROR', 'counted', 'RATED']);
    }
  });

  it('reports a provider error if there is no audio, and charges nothing', async () => {
    const answers: readonly ((response: ServerResponse) => void)[] = [
      (response) => {
        sendAudio(response, []);
        response.end();
      },
      (response) => sendJson(response, '{}'),
      (response) => {
        sendAudio(response, [Buffer.from('<script>')], 'text/html');
        response.end();
      },
    ];
    for (const answer of answers) {
      upstream.script(answer);
      const response = await speak();
      assert.equal(response.status, 502);
      assert.match(await response.text(), /"code":"provider_malformed"/);
      assert.equal((await recorded(response)).customer_cost, '0');
    }
  });

  it('disconnects the provider when the client disconnects, and charges for the audio', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      response.once('close', () => resolve());
    });
    const response = await speak();
    await response.body!.cancel();
    await closed;
    await until(
      async () => /^onevault_calls_in_flight 0$/m.test((await gateway.get('/metrics')).text),
      'no call is under way',
    );
    const call = await recorded(response);
    assert.deepEqual([call.response_status, call.usage_source, call.rating], ['CANCELLED', 'counted', 'RATED']);
  });

  it("puts the provider's name of the model into the body, and changes no other byte", async () => {
    const deployment = {
      model: 'our-voice',
      provider: 'openai',
      served_as: 'gpt-4o-mini-tts-2025-12-15',
      family: 'test',
      capabilities: ['speech'],
      input_price: '0.60',
      output_price: '12',
    };
    const made = await gateway.admin('POST', '/v1/deployments', deployment);
    assert.equal(made.status, 201, made.text);
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      response.end();
    });
    const body = '{"x": 1.0 ,"model": "our-voice","input":"Hällo", "voice":{"id":"v"}}';
    const client_response = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body,
    });
    assert.equal(client_response.status, 200, client_response.text);
    assert.equal(upstream.received.at(-1)!.body, body.replace('our-voice', 'gpt-4o-mini-tts-2025-12-15'));
  });

  it('refuses a text whose longest possible audio exceeds the budget', async () => {
    const { key } = await gateway.newCustomer({ slug: 'frugal', cost_budget_daily: '0.10' });
    const input = 'x'.repeat(400);
    // 400 s at 21 tokens: 0.1008 USD at 12 USD for a million, and less at twice the speed.
    const refused = await gateway.post(PATH, { ...REQUEST, input }, key);
    assert.deepEqual([refused.status, errorOf(refused).code], [402, 'budget_exceeded']);
    upstream.script((response) => {
      sendAudio(response, [SOUND]);
      response.end();
    });
    assert.equal((await gateway.post(PATH, { ...REQUEST, input, speed: 2 }, key)).status, 200);
  });

  it('finds health data in the text and in the instructions', async () => {
    for (const more of [{ input: 'MRN 1234567' }, { instructions: 'As for MRN 1234567' }]) {
      const response = await speak(more);
      await response.arrayBuffer();
      assert.deepEqual((await recorded(response)).compliance_flags, ['PHI']);
    }
  });

  it('refuses an invalid request and names the field', async () => {
    for (const [body, param] of [
      [{ model: REQUEST.model }, 'input'],
      [{ input: 'Hi' }, 'model'],
      [{ ...REQUEST, input: '' }, 'input'],
      [{ ...REQUEST, input: 7 }, 'input'],
      [{ ...REQUEST, input: 'x'.repeat(100_001) }, 'input'],
      [{ ...REQUEST, speed: 0.1 }, 'speed'],
      [{ ...REQUEST, speed: '1' }, 'speed'],
      [{ ...REQUEST, stream_format: 'video' }, 'stream_format'],
    ] as const) {
      const client_response = await gateway.post(PATH, body);
      assert.deepEqual([client_response.status, errorOf(client_response).param], [400, param]);
    }
    const twice = await gateway.send({
      method: 'POST',
      path: PATH,
      headers: bearer(gateway.keys.api_key),
      body: `{"model":"gpt-4o-mini-tts","input":"${'x'.repeat(4_000)}","input":"x","voice":"alloy"}`,
    });
    assert.equal(errorOf(twice).param, 'input');
    assert.equal((await gateway.post(PATH, { ...REQUEST, model: 'gpt-4o' })).status, 404);
  });
});
