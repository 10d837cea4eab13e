import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const MODEL = 'gemini-2.5-flash';
const LIST = `/v1beta/models/${MODEL}:streamGenerateContent`;
const USAGE = { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 };

const ended = (finishReason: string) => ({
  candidates: [{ content: { role: 'model', parts: [{ text: 'Half of' }] }, finishReason }],
  usageMetadata: USAGE,
});

const said = [{ role: 'user', content: 'Hi' }];
/** A path of each protocol that is not Google's own, and what it is asked. */
const ASKS = [
  ['/v1/chat/completions', { messages: said }],
  ['/v1/responses', { input: 'Hi' }],
  ['/v1/messages', { messages: said, max_tokens: 100 }],
] as const;

describe('a reply of Google’s that is not whole', () => {
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

  for (const [path, body] of ASKS) {
    it(`is an error at ${path} where the model wrote what is of no form, tried twice and paid for`, async () => {
      upstream.script((response) => sendJson(response, JSON.stringify(ended('MALFORMED_FUNCTION_CALL'))));
      const reply = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(reply.status, 502, reply.text);
      assert.match(reply.text, /MALFORMED_FUNCTION_CALL/);
      assert.doesNotMatch(reply.text, /Half of/);
      assert.equal(upstream.received.length, 2);
      const call = await gateway.recorded(reply.request_id);
      assert.deepEqual(
        [call.response_status, call.error_code, call.prompt_tokens, call.completion_tokens, call.rating],
        ['ERROR', 'provider_malformed', 100, 20, 'RATED'],
      );
      assert.ok(BigInt(call.customer_cost!) > 0n);
    });

    it(`is told by an error of the protocol in a stream at ${path}`, async () => {
      const begun = JSON.stringify({ candidates: [{ content: { parts: [{ text: 'Half' }] } }] });
      upstream.script((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: ${begun}\n\n`);
        setTimeout(() => response.end(`data: ${JSON.stringify(ended('UNEXPECTED_TOOL_CALL'))}\n\n`), 100);
      });
      const reply = await gateway.post(path, { model: MODEL, stream: true, ...body });
      assert.match(reply.text, /Half/);
      assert.match(reply.text, /UNEXPECTED_TOOL_CALL/);
      assert.doesNotMatch(reply.text, /\[DONE\]|message_stop|response\.completed/);
      const call = await gateway.recorded(reply.request_id);
      assert.deepEqual([call.error_code, call.prompt_tokens], ['provider_malformed', 100]);
    });

    it(`is whole at ${path} where the second try is`, async () => {
      upstream.script((response) =>
        sendJson(response, JSON.stringify(ended(upstream.received.length === 1 ? 'MALFORMED_RESPONSE' : 'STOP'))),
      );
      const reply = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(reply.status, 200, reply.text);
      assert.match(reply.text, /Half of/);
    });

    it(`is not taken for whole at ${path} where it ended for a reason that nobody knows`, async () => {
      upstream.script((response) => sendJson(response, JSON.stringify(ended('BORED'))));
      const reply = await gateway.post(path, { model: MODEL, ...body });
      assert.equal(reply.status, 200, reply.text);
      assert.match(reply.text, /Half of/);
      assert.match(reply.text, /content_filter|"refusal"/);
      assert.doesNotMatch(reply.text, /"stop"|"end_turn"|"completed"/);
    });
  }

  it('comes to Google’s own clients as it is', async () => {
    const text = JSON.stringify(ended('MALFORMED_FUNCTION_CALL'));
    upstream.script((response) => sendJson(response, text));
    const contents = [{ parts: [{ text: 'Hi' }] }];
    const reply = await gateway.post(`/v1beta/models/${MODEL}:generateContent`, { contents });
    assert.deepEqual([reply.status, reply.text], [200, text]);
  });

  it('is a list of one error where a stream that is asked for as a list fails before its first item', async () => {
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
