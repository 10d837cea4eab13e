import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const MODEL = 'gemini-2.5-flash';
const LIST = `/v1beta/models/${MODEL}:streamGenerateContent`;
const USAGE = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 };

const ended = (finishReason: string) => ({
  candidates: [{ content: { role: 'model', parts: [{ text: 'Half of' }] }, finishReason }],
  usageMetadata: USAGE,
});

const messages = [{ role: 'user', content: 'Hi' }];
/** A path of each protocol other than Google's, and a request body. */
const REQUESTS = [
  ['/v1/chat/completions', { messages }],
  ['/v1/responses', { input: 'Hi' }],
  ['/v1/messages', { messages, max_tokens: 100 }],
] as const;

describe('an incomplete response of Google', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { google: upstream.url } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });
  beforeEach(() => {
    upstream.received.length = 0;
  });

  for (const [path, body] of REQUESTS) {
    it(`is tried twice, paid for, and an error at ${path} if the model wrote a malformed call`, async () => {
      upstream.script((response) => sendJson(response, JSON.stringify(ended('MALFORMED_FUNCTION_CALL'))));
      const client_response = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(client_response.status, 502, client_response.text);
      assert.match(client_response.text, /MALFORMED_FUNCTION_CALL/);
      assert.doesNotMatch(client_response.text, /Half of/);
      assert.equal(upstream.received.length, 2);
      const call = await gateway.recorded(client_response.request_id);
      assert.deepEqual(
        [call.response_status, call.error_code, call.prompt_tokens, call.completion_tokens, call.rating],
        ['ERROR', 'provider_malformed', 100, 20, 'RATED'],
      );
      assert.ok(BigInt(call.customer_cost!) > 0n);
    });

    it(`ends a stream at ${path} with an error of the protocol`, async () => {
      const has_started = Promise.withResolvers<void>();
      const first = JSON.stringify({ candidates: [{ content: { parts: [{ text: 'Half' }] } }] });
      upstream.script((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${first}\n\n`);
        void has_started.promise.then(() => response.end(`data: ${JSON.stringify(ended('UNEXPECTED_TOOL_CALL'))}\n\n`));
      });
      const response = await fetch(`${gateway.url}${path}`, {
        method: 'POST',
        headers: bearer(gateway.keys.api_key),
        body: JSON.stringify({ model: MODEL, stream: true, ...body }),
      });
      has_started.resolve();
      const text = await response.text();
      assert.match(text, /Half/);
      assert.match(text, /UNEXPECTED_TOOL_CALL/);
      assert.doesNotMatch(text, /\[DONE\]|message_stop|response\.completed/);
      const call = await gateway.recorded(response.headers.get('x-request-id')!);
      assert.deepEqual([call.error_code, call.prompt_tokens], ['provider_malformed', 100]);
    });

    it(`is replaced at ${path} by a second, complete response`, async () => {
      upstream.script((response) =>
        sendJson(response, JSON.stringify(ended(upstream.received.length === 1 ? 'MALFORMED_RESPONSE' : 'STOP'))),
      );
      const client_response = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(client_response.status, 200, client_response.text);
      assert.match(client_response.text, /Half of/);
    });

    it(`with an unknown finish reason is not reported as complete at ${path}`, async () => {
      upstream.script((response) => sendJson(response, JSON.stringify(ended('BORED'))));
      const client_response = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(client_response.status, 200, client_response.text);
      assert.match(client_response.text, /Half of/);
      assert.match(client_response.text, /content_filter|"refusal"/);
      assert.doesNotMatch(client_response.text, /"stop"|"end_turn"|"completed"/);
    });
  }

  it("passes through unchanged to Google's own clients", async () => {
    const text = JSON.stringify(ended('MALFORMED_FUNCTION_CALL'));
    upstream.script((response) => sendJson(response, text));
    const contents = [{ parts: [{ text: 'Hi' }] }];
    const client_response = await gateway.post(`/v1beta/models/${MODEL}:generateContent`, { contents });
    assert.deepEqual([client_response.status, client_response.text], [200, text]);
  });

  it('is a list of one error for a stream without alt=sse that fails before its first item', async () => {
    const contents = [{ parts: [{ text: 'Hi' }] }];
    upstream.script((response) => sendJson(response, '{"error":{"message":"Out of order"}}', 500));
    const failed = await gateway.post(LIST, { contents });
    const [error, ...more] = failed.json as { error: { code: number; status: string } }[];
    assert.deepEqual([error?.error.code, error?.error.status, more], [failed.status, 'UNAVAILABLE', []]);
    const events = await gateway.post(`${LIST}?alt=sse`, { contents });
    assert.equal(errorOf(events).code, failed.status as never);
    const { key } = await gateway.newCustomer({ slug: 'poor', cost_budget_daily: '0' });
    const refused = await gateway.post(LIST, { contents }, key);
    assert.equal(refused.status, 402);
    assert.equal((refused.json as unknown[]).length, 1);
  });
});
