import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { assertLinearTime } from '../support/growth.ts';
import { errorOf } from '../support/http.ts';
import { openRealtime } from '../support/realtime.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

// Each of these sizes took from 5 s to minutes when the work grew with its square.
describe('a request that is made to cost time,', () => {
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

  it('with a field of stream_options given 50,000 times, takes linear time', async () => {
    const client_response = await assertLinearTime((times) => {
      const options = `{${'"include_usage":true,'.repeat(times)}"include_usage":true}`;
      const body = `{"model":"gpt-4.1","max_tokens":5,"stream":true,"stream_options":${options},"messages":[{"role":"user","content":"Hi"}]}`;
      return send('/v1/chat/completions', body);
    }, 50_000);
    assert.equal(client_response.status, 200, client_response.text);
  });

  it("with 40,000 turns in Google's contents, takes linear time", async () => {
    upstream.script((response) => sendJson(response, '{"error":{"message":"No."}}', 400));
    const client_response = await assertLinearTime((count) => {
      const turns = '{"role":"model","parts":[{"text":"a"}]},{"role":"user","parts":[{"text":"b"}]},'.repeat(count);
      const body = `{"contents":[${turns}{"role":"user","parts":[{"text":"c"}]}],"generationConfig":{"maxOutputTokens":5}}`;
      return send('/v1beta/models/claude-haiku-4-5:generateContent', body);
    }, 40_000);
    assert.equal(client_response.status, 400, client_response.text);
  });

  it('with 30,000 function calls without results, is refused', async () => {
    const client_response = await assertLinearTime((count) => {
      const call = '{"functionCall":{"name":"f","args":{}}},'.repeat(count);
      const result = '{"functionResponse":{"name":"f","response":{}}},'.repeat(count);
      const contents = `{"role":"model","parts":[${call.slice(0, -1)}]},{"role":"user","parts":[${result.slice(0, -1)}]}`;
      return send('/v1beta/models/claude-haiku-4-5:generateContent', `{"contents":[${contents}]}`);
    }, 30_000);
    assert.equal(client_response.status, 400);
    assert.match(client_response.text, /contents\[0\]\.parts\[1000\]\.functionCall .*more than 1000 calls/);
  });

  it('with 60,000 allowed functions or required fields, takes linear time', async () => {
    upstream.script((response) => sendJson(response, '{"error":{"message":"No."}}', 400));
    const functions = (names: readonly string[]) => ({
      tools: [{ functionDeclarations: names.map((name) => ({ name })) }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: names } },
    });
    const schema = (names: readonly string[]) => {
      const properties = Object.fromEntries(names.map((name) => [name, { type: 'STRING' }]));
      const responseSchema = { type: 'OBJECT', required: names, properties };
      return { generationConfig: { responseMimeType: 'application/json', responseSchema, maxOutputTokens: 5 } };
    };
    for (const fieldsOf of [functions, schema]) {
      const client_response = await assertLinearTime((count) => {
        const names = Array.from({ length: count }, (_, index) => `function_${index}`);
        const contents = [{ parts: [{ text: 'Hi' }] }];
        const body = JSON.stringify({ contents, ...fieldsOf(names) });
        return send('/v1beta/models/claude-haiku-4-5:generateContent', body);
      }, 60_000);
      assert.equal(client_response.status, 400, client_response.text.slice(0, 300));
    }
  });

  it('with 60,000 fields in an event of a realtime session, takes linear time', async () => {
    const session = await openRealtime({ url: gateway.url, api_key: gateway.keys.api_key });
    await assertLinearTime(async (count) => {
      const fields = Array.from({ length: count }, (_, index) => `"f${index}":0`).join(',');
      session.socket.send(`{"type":"input_audio_buffer.clear",${fields}}`);
      assert.equal((await gateway.get('/health/liveness')).status, 200);
      await session.prompt('Still there?');
    }, 60_000);
    await session.close();
  });

  for (const piece of ['a.', 'a.b-', 'sk-', 'a-'])
    it(`for a provider's error of 60,000 characters of "${piece}", takes linear time`, async () => {
      const client_response = await assertLinearTime((length) => {
        const message = piece.repeat(length / piece.length);
        upstream.script((response) => sendJson(response, JSON.stringify({ error: { message } }), 400));
        const body = `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}`;
        return send('/v1/messages', body);
      }, 60_000);
      assert.equal(client_response.status, 400, client_response.text);
    });

  it('shows no part of a key on which the limit of a long provider error falls', async () => {
    const message = `${'https://a.example/x '.repeat(99)}${'y'.repeat(8)} sk-ant-${'z'.repeat(40)}9`;
    upstream.script((response) => sendJson(response, JSON.stringify({ error: { message } }), 400));
    const body = `{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}`;
    const client_response = await send('/v1/messages', body);
    assert.doesNotMatch(client_response.text, /sk-ant|zzz/);
  });

  for (const [path, field] of [
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'responseSchema'],
    ['/v1beta/models/gpt-4.1:generateContent', 'responseSchema'],
  ] as const)
    it(`with a schema that nests 200,000 levels, is refused without an internal error: ${path}`, async () => {
      const client_response = await assertLinearTime((levels) => {
        const schema = `${'{"items":'.repeat(levels)}{}${'}'.repeat(levels)}`;
        const config = `{"responseMimeType":"application/json","${field}":${schema}}`;
        return send(path, `{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":${config}}`);
      }, 200_000);
      assert.equal(client_response.status, 400, client_response.text);
      assert.match(client_response.text, /more than 500 levels deep/);
      const call = await gateway.recorded(client_response.request_id);
      assert.deepEqual([call.response_status, call.error_code], ['REFUSED', 'invalid_request']);
    });

  it('with lists that nest 501 levels, is refused, and brackets within texts are not counted', async () => {
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
