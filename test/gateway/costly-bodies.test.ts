import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { openRealtime } from '../support/realtime.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

// Each of these took from 5 s to minutes where the work grew with the square of what came.
const SOON_MS = 2_500;

const inTime = async <T>(run: () => Promise<T>): Promise<T> => {
  const started_ms = performance.now();
  const result = await run();
  const took_ms = Math.round(performance.now() - started_ms);
  assert.ok(took_ms < SOON_MS, `it took ${took_ms} ms`);
  return result;
};

describe('what is written to cost the gateway time', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({
      base_urls: { anthropic: upstream.url },
      body_limit_bytes: 8_000_000,
    });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = (path: string, body: string) =>
    gateway.send({
      method: 'POST',
      path,
      body,
      headers: { authorization: `Bearer ${gateway.keys.api_key}` },
    });

  it('by a field within stream_options that stands 50,000 times does not', async () => {
    const options = `{${'"include_usage":true,'.repeat(50_000)}"include_usage":true}`;
    const body = `{"model":"gpt-4.1","max_tokens":5,"stream":true,"stream_options":${options},"messages":[{"role":"user","content":"Hi"}]}`;
    const reply = await inTime(() => send('/v1/chat/completions', body));
    assert.equal(reply.status, 200, reply.text);
  });

  it("by 40,000 turns of Google's contents does not", async () => {
    const turns = '{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"b"}]},'.repeat(40_000);
    const body = `{"contents":[${turns}{"role":"user","parts":[{"text":"c"}]}],"generationConfig":{"maxOutputTokens":5}}`;
    upstream.script((response) => sendJson(response, '{"error":{"message":"No."}}', 400));
    const reply = await inTime(() => send('/v1beta/models/claude-haiku-4-5:generateContent', body));
    assert.equal(reply.status, 400, reply.text);
  });

  it('by 30,000 calls of functions that wait for their results is refused', async () => {
    const call = '{"functionCall":{"name":"f","args":{}}},'.repeat(30_000);
    const result = '{"functionResponse":{"name":"f","response":{}}},'.repeat(30_000);
    const contents = `{"role":"model","parts":[${call.slice(0, -1)}]},{"role":"user","parts":[${result.slice(0, -1)}]}`;
    const reply = await inTime(() =>
      send('/v1beta/models/claude-haiku-4-5:generateContent', `{"contents":[${contents}]}`),
    );
    assert.equal(reply.status, 400);
    assert.match(reply.text, /contents\[0\]\.parts\[1000\]\.functionCall .*more than 1000 calls/);
  });

  it('by 60,000 allowed functions, and a schema of as many required fields, does not', async () => {
    const names = Array.from({ length: 60_000 }, (_, place) => `function_${place}`);
    const tools = [{ functionDeclarations: names.map((name) => ({ name })) }];
    const toolConfig = { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: names } };
    const responseSchema = {
      type: 'OBJECT',
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, { type: 'STRING' }])),
    };
    upstream.script((response) => sendJson(response, '{"error":{"message":"No."}}', 400));
    const contents = [{ parts: [{ text: 'Hi' }] }];
    const path = '/v1beta/models/claude-haiku-4-5:generateContent';
    for (const fields of [
      { tools, toolConfig },
      { generationConfig: { responseMimeType: 'application/json', responseSchema, maxOutputTokens: 5 } },
    ]) {
      const reply = await inTime(() => send(path, JSON.stringify({ contents, ...fields })));
      assert.equal(reply.status, 400, reply.text.slice(0, 300));
    }
  });

  it('by an event of a realtime session with 60,000 fields does not', async () => {
    const fields = Array.from({ length: 60_000 }, (_, place) => `"f${place}":0`).join(',');
    const session = await openRealtime({ url: gateway.url, api_key: gateway.keys.api_key });
    await inTime(async () => {
      session.socket.send(`{"type":"input_audio_buffer.clear",${fields}}`);
      assert.equal((await gateway.get('/health/liveness')).status, 200);
      await session.ask('Still there?');
    });
    await session.close();
  });

  for (const piece of ['a.', 'a.b-', 'sk-', 'a-'])
    it(`by a provider's refusal that is made of ${piece} does not`, async () => {
      const message = piece.repeat(60_000 / piece.length);
      upstream.script((response) => sendJson(response, JSON.stringify({ error: { message } }), 400));
      const body = `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}`;
      const reply = await inTime(() => send('/v1/messages', body));
      assert.equal(reply.status, 400, reply.text);
    });

  it('by a key at the end of what is read of a long refusal tells no part of it', async () => {
    const message = `${'https://a.example/x '.repeat(99)}${'y'.repeat(8)} sk-ant-${'z'.repeat(40)}9`;
    upstream.script((response) => sendJson(response, JSON.stringify({ error: { message } }), 400));
    const body = `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}`;
    const reply = await send('/v1/messages', body);
    assert.doesNotMatch(reply.text, /sk-ant|zzz/);
  });

  for (const [path, field] of [
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'responseSchema'],
    ['/v1beta/models/gpt-4.1:generateContent', 'responseSchema'],
  ] as const)
    it(`by a schema 200,000 deep is refused in words, and no fault: ${path}`, async () => {
      const schema = `${'{"items":'.repeat(200_000)}{}${'}'.repeat(200_000)}`;
      const config = `{"responseMimeType":"application/json","${field}":${schema}}`;
      const body = `{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":${config}}`;
      const reply = await inTime(() => send(path, body));
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.text, /500 deep/);
      const call = await gateway.recorded(reply.request_id);
      assert.deepEqual([call.response_status, call.error_code], ['REFUSED', 'invalid_request']);
    });

  it('by lists 501 deep is refused, and lists within texts are not counted', async () => {
    const chat = (x: string) =>
      send(
        '/v1/chat/completions',
        `{"model":"gpt-4.1","max_tokens":5,"messages":[{"role":"user","content":"${'['.repeat(2_000)}"}],"x":${x}}`,
      );
    const refused = await chat('['.repeat(501) + ']'.repeat(501));
    assert.deepEqual([refused.status, errorOf(refused).code], [400, 'invalid_request']);
    assert.equal((await chat('['.repeat(400) + ']'.repeat(400))).status, 200);
  });
});
