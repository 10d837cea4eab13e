import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { bearer, errorOf } from '../../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../../support/upstream.ts';

const RESPONSE = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};
// The prompt has characters of one, two and four bytes, escapes, and more than 64 KiB.
const PROMPT = `${'é "quoted" \\\\ 😀 '.repeat(10_000)} MRN 0012345`;

describe('a call with a body of more than 64 KiB', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;
  before(async () => {
    upstream = await startScriptedUpstream();
    upstream.script((response) => sendJson(response, JSON.stringify(RESPONSE)));
    gateway = await startTestGateway({ base_urls: { openai: `${upstream.url}/v1` } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = (body: string) =>
    gateway.send({ method: 'POST', path: '/v1/chat/completions', body, headers: bearer(gateway.keys.api_key) });
  const bodyOf = (more: string) =>
    `{ "messages":[{"role":"user","content":${JSON.stringify(PROMPT)}}], "model":"gpt-4o-mini", "x":1.50${more} }`;

  it('reaches the provider unchanged, and is recorded with its flags and its commitment', async () => {
    const body = bodyOf('');
    const reply = await send(body);
    assert.equal(reply.status, 200, reply.text.slice(0, 500));
    assert.equal(upstream.received.at(-1)!.body, body);
    const [, salt] = String(reply.headers['x-onevault-receipt']).split('.');
    const call = await gateway.recorded(reply.request_id);
    assert.deepEqual(call.compliance_flags, ['PHI']);
    assert.equal(call.request_bytes, Buffer.byteLength(body));
    const commitment = createHash('sha256').update(Buffer.from(salt!, 'hex')).update(body).digest('hex');
    assert.equal(call.request_commitment, commitment);
  });

  it('gets usage in its stream as a small one does', async () => {
    await send(bodyOf(',"stream":true'));
    const sent = JSON.parse(upstream.received.at(-1)!.body) as { stream_options: unknown; messages: unknown };
    assert.deepEqual(sent.stream_options, { include_usage: true });
    assert.deepEqual(sent.messages, [{ role: 'user', content: PROMPT }]);
  });

  it('is refused for a repeated field, for bad JSON, and for a wrong field, as a small one is', async () => {
    const repeated = await send(bodyOf(',"max_tokens":5,"max_tokens":9'));
    assert.deepEqual([repeated.status, errorOf(repeated).param], [400, 'max_tokens']);
    const bad = await send(bodyOf(',').slice(0, -1));
    assert.deepEqual([bad.status, errorOf(bad).code], [400, 'malformed_json']);
    const wrong = await send(bodyOf(',"n":0'));
    assert.deepEqual([wrong.status, errorOf(wrong).param], [400, 'n']);
  });
});
