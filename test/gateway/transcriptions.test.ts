import assert from 'node:assert/strict';
import { assertCommitted, FILE, FORM_TYPE, formOf, type Part, SOUND, transcribe } from '../support/audio.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendFrames, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const MODEL: Part = { name: 'model', content: 'gpt-4o-transcribe' };
const USAGE = {
  type: 'tokens',
  input_tokens: 114,
  input_token_details: { text_tokens: 14, audio_tokens: 100 },
  output_tokens: 45,
  total_tokens: 159,
};
/** Cost of USAGE in pico-dollars: text 2.50, audio 6.00 and output 10.00 USD for a million tokens. */
const COST = 14n * 2_500_000n + 100n * 6_000_000n + 45n * 10_000_000n;

describe('POST /v1/audio/transcriptions', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  /** API key of a customer that may make unpriced calls. */
  let unpriced_key: string;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { openai: upstream.url } });
    unpriced_key = (await gateway.newCustomer({ slug: 'careless', unpriced_policy: 'allow' })).key;
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const answerJson = (answer: object): void =>
    upstream.script((response) => sendJson(response, JSON.stringify(answer)));

  it('passes form and response through byte for byte, commits to both, and records the tokens with their price', async () => {
    const answer = `{ "text":"Hällo","x_new":1.0, "usage":${JSON.stringify(USAGE)}}`;
    upstream.script((response) => sendJson(response, answer));
    const body = formOf([
      { ...FILE, head: ['Content-Type: audio/wav', 'X-Own: kept'] },
      { name: 'x_unknown', content: 'stays' },
      { name: 'x_unknown', content: 'twice' },
      { name: 'timestamp_granularities[]', content: 'word' },
      { name: 'timestamp_granularities[]', content: 'segment' },
      MODEL,
    ]);
    const client_response = await transcribe(gateway, { body });
    assert.equal(client_response.text, answer);
    const seen = upstream.received.at(-1)!;
    assert.equal(seen.url, '/audio/transcriptions');
    assert.ok(seen.bytes.equals(body));
    assert.equal(seen.headers['content-type'], FORM_TYPE);
    const { request_id, headers, bytes } = client_response;
    await assertCommitted(
      gateway,
      { request_id, receipt: headers['x-onevault-receipt'] },
      { sent: body, received: bytes },
    );
    const call = await gateway.recorded(request_id);
    assert.equal(call.request_type, 'transcription');
    assert.equal(call.usage_source, 'provider');
    assert.deepEqual([call.prompt_tokens, call.completion_tokens], [114, 45]);
    assert.equal(call.provider_cost, String(COST));
    assert.ok(BigInt(call.route!.candidates[0]!.worst_cost!) >= BigInt(call.customer_cost!));
  });

  it("puts the provider's name of the model into the form, and changes no other byte", async () => {
    const deployment = {
      model: 'our-transcriber',
      provider: 'openai',
      served_as: 'gpt-4o-transcribe-2026',
      family: 'test',
      capabilities: ['transcription'],
      input_price: '2.50',
      output_price: '10',
    };
    const made = await gateway.admin('POST', '/v1/deployments', deployment);
    assert.equal(made.status, 201, made.text);
    answerJson({ text: 'Hi', usage: USAGE });
    const parts = (model: string): Part[] => [
      { name: 'prompt', content: 'our-transcriber\r\nour-transcriber' },
      { name: 'model', content: model, head: ['Content-Type: text/plain; charset=utf-8'] },
      FILE,
    ];
    const client_response = await transcribe(gateway, { body: formOf(parts('our-transcriber')) });
    assert.equal(client_response.status, 200, client_response.text);
    assert.ok(upstream.received.at(-1)!.bytes.equals(formOf(parts('gpt-4o-transcribe-2026'))));
  });

  it('streams events, sends the last one when the call is on disk, and records their usage', async () => {
    const frames = [
      '{"type":"transcript.text.delta","delta":"Hel"}',
      '{"type":"transcript.text.delta","delta":"lo","logprobs":[]}',
      JSON.stringify({ type: 'transcript.text.done', text: 'Hello', usage: USAGE }),
      '[DONE]',
    ];
    upstream.script((response) => sendFrames(response, frames));
    const body = formOf([FILE, MODEL, { name: 'stream', content: 'true' }]);
    const client_response = await transcribe(gateway, { body });
    assert.equal(client_response.text, frames.map((frame) => `data: ${frame}\n\n`).join(''));
    assert.match(String(client_response.headers['content-type']), /^text\/event-stream/);
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual([call.is_streamed, call.response_status, call.completion_tokens], [true, 'SUCCESS', 45]);
    assert.equal(call.provider_cost, String(COST));
    const receipt = client_response.headers['x-onevault-receipt'];
    await assertCommitted(
      gateway,
      { request_id: client_response.request_id, receipt },
      { sent: body, received: client_response.bytes },
    );
  });

  it('reports that a stream broke off, and charges for the text that was written', async () => {
    const delta = '{"type":"transcript.text.delta","delta":"Hello there, this is text"}';
    for (const rest of ['', 'data: {"error":{"message":"No."}}\n\n', 'data: <html>\n\n']) {
      let goOn = (): void => {};
      upstream.script((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${delta}\n\n`);
        goOn = () => response.end(rest);
      });
      const response = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${gateway.keys.api_key}`, 'content-type': FORM_TYPE },
        body: formOf([FILE, MODEL, { name: 'stream', content: 'true' }]),
      });
      goOn();
      assert.ok((await response.text()).startsWith(`data: ${delta}\n\ndata: {"error":{"code":"provider_`));
      const call = await gateway.recorded(response.headers.get('x-request-id')!);
      assert.deepEqual([call.response_status, call.usage_source, call.rating], ['ERROR', 'counted', 'RATED']);
      assert.equal(call.completion_tokens, 6);
    }
  });

  it('passes text, subtitles and a whole response to a stream request through with their own type, to the last byte', async () => {
    for (const [content_type, passed] of [
      ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
      ['text/vtt', 'text/vtt'],
      ['application/x-subrip', 'application/x-subrip'],
      // A provider's HTML page must not run in the gateway's origin.
      ['text/html', 'text/plain; charset=utf-8'],
      ['', 'text/plain; charset=utf-8'],
    ] as const) {
      const answer = Buffer.from([0x57, 0x45, 0x42, 0xff, 0xfe, 0x0d, 0x0a]);
      upstream.script((response) => {
        response.writeHead(200, content_type === '' ? {} : { 'content-type': content_type });
        response.end(answer);
      });
      const form = [FILE, { name: 'model', content: 'whisper-1' }, { name: 'stream', content: 'true' }];
      const client_response = await transcribe(gateway, { body: formOf(form), api_key: unpriced_key });
      assert.ok(client_response.bytes.equals(answer), content_type);
      assert.equal(client_response.headers['content-type'], passed);
      const call = await gateway.recorded(client_response.request_id);
      assert.deepEqual([call.response_bytes, call.is_streamed], [answer.length, false]);
    }
  });

  it('charges whisper-1 by the seconds that the provider reports, else by the longest audio of the file', async () => {
    const body = formOf([FILE, { name: 'model', content: 'whisper-1' }]);
    const estimated = Math.ceil(SOUND.length / 750);
    for (const [answer, seconds] of [
      [{ usage: { type: 'duration', seconds: 1 } }, 1],
      [{ duration: 0.4 }, 1],
      [{ duration: '0.40' }, 1],
      [{ duration: 8.01, usage: { type: 'duration', seconds: 9 } }, 9],
      [{}, estimated],
      ...[null, '', -1, 1e300, 'x', {}, [], true].map((seconds) => [
        { usage: { type: 'duration', seconds } },
        estimated,
      ]),
    ] as [object, number][]) {
      answerJson({ text: 'Hello', ...answer });
      const client_response = await transcribe(gateway, { body });
      assert.equal(client_response.status, 200, client_response.text);
      const call = await gateway.recorded(client_response.request_id);
      assert.deepEqual([call.rating, call.usage_source], ['RATED', 'counted'], JSON.stringify(answer));
      // 0.006 USD for a minute.
      assert.equal(call.provider_cost, String(BigInt(seconds) * 100_000_000n), JSON.stringify(answer));
      assert.equal(call.route!.attempts.at(-1)!.rating!.units.audio_second, seconds);
    }
  });

  it('records a model without a price as unpriced, never as free', async () => {
    const deployment = { model: 'unpriced-transcriber', provider: 'openai', family: 'test' };
    const made = await gateway.admin('POST', '/v1/deployments', { ...deployment, capabilities: ['transcription'] });
    assert.equal(made.status, 201, made.text);
    answerJson({ text: 'Hello', usage: { type: 'duration', seconds: 12 } });
    const body = formOf([FILE, { name: 'model', content: 'unpriced-transcriber' }]);
    const client_response = await transcribe(gateway, { body, api_key: unpriced_key });
    assert.equal(client_response.status, 200, client_response.text);
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual([call.rating, call.customer_cost, call.provider_cost], ['UNPRICED', null, null]);
    // 12 s at 10 tokens a second.
    assert.deepEqual([call.usage_source, call.prompt_tokens], ['counted', 120]);
    const { key } = await gateway.newCustomer({ slug: 'careful', unpriced_policy: 'refuse' });
    const refused = await transcribe(gateway, { body, api_key: key });
    assert.deepEqual([refused.status, errorOf(refused).code], [422, 'unpriced_model']);
  });

  it('counts the longest possible audio of the file if the provider reports no usage, within the context window', async () => {
    answerJson({ text: 'Hello' });
    const call = async (content: Buffer) => {
      const client_response = await transcribe(gateway, { body: formOf([{ ...FILE, content }, MODEL]) });
      return gateway.recorded(client_response.request_id);
    };
    const small = await call(SOUND);
    assert.deepEqual([small.usage_source, small.prompt_tokens], ['counted', Math.ceil((SOUND.length / 750) * 10)]);
    const large = await call(Buffer.alloc(900_000, 1));
    // 12,000 tokens are counted; the model's context window allows 16,000.
    assert.equal(large.prompt_tokens, 12_000);
    for (const each of [small, large]) {
      assert.ok(BigInt(each.route!.candidates[0]!.worst_cost!) >= BigInt(each.customer_cost!));
    }
  });

  it('refuses a call whose maximum cost exceeds the budget, before the provider gets it', async () => {
    const { key } = await gateway.newCustomer({ slug: 'frugal', cost_budget_daily: '0.10' });
    const seen = upstream.received.length;
    // The context window at the highest price and the longest text: 16,000 × 6 and 2,000 × 10 micro-dollars.
    const client_response = await transcribe(gateway, { body: formOf([FILE, MODEL]), api_key: key });
    assert.deepEqual([client_response.status, errorOf(client_response).code], [402, 'budget_exceeded']);
    assert.equal(upstream.received.length, seen);
  });

  it("finds health data in the prompt and the speakers' names, without reading the file", async () => {
    answerJson({ text: 'Hi', usage: USAGE });
    const secret = 'MRN 1234567';
    for (const [parts, flags] of [
      [[{ name: 'prompt', content: secret }], ['PHI']],
      [[{ name: 'known_speaker_names[]', content: `Ann, ${secret}` }], ['PHI']],
      [[{ name: 'x_unknown', content: secret }], ['PHI']],
      [[], []],
    ] as const) {
      const sound = { ...FILE, content: Buffer.from(`${secret} `.repeat(50)) };
      const client_response = await transcribe(gateway, { body: formOf([sound, MODEL, ...parts]) });
      assert.deepEqual((await gateway.recorded(client_response.request_id)).compliance_flags, flags);
    }
  });

  it('reports a provider error if the response has no transcription', async () => {
    for (const text of ['', '[]', '7', '{}', '{"text":7}', '{"text":"a","usage":{"input_tokens":-1}}']) {
      upstream.script((response) => sendJson(response, text));
      const client_response = await transcribe(gateway, { body: formOf([FILE, MODEL]) });
      assert.equal(errorOf(client_response).code, 'provider_malformed', text);
    }
  });

  it("passes the provider's error text to the client", async () => {
    upstream.script((response) => sendJson(response, '{"error":{"message":"Audio file might be corrupted"}}', 400));
    const client_response = await transcribe(gateway, { body: formOf([FILE, MODEL]) });
    assert.deepEqual([client_response.status, errorOf(client_response).code], [400, 'provider_rejected']);
    assert.match(String(errorOf(client_response).message), /Audio file might be corrupted/);
  });
});
