import assert from 'node:assert/strict';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, type ClientResponse } from '../support/http.ts';
import { type ScriptedUpstream, sendJson, startScriptedUpstream } from '../support/upstream.ts';

const HELLO = { model: 'claude-haiku-4-5', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] };

const USAGE = {
  input_tokens: 10,
  cache_read_input_tokens: 100,
  cache_creation_input_tokens: 20,
  output_tokens: 7,
};
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'Hello there' }],
  stop_reason: 'end_turn',
  usage: USAGE,
};

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const EVENTS = [
  event('message_start', { message: { ...MESSAGE, content: [], usage: { ...USAGE, output_tokens: 1 } } }),
  event('ping', {}),
  event('content_block_start', { index: 0, content_block: { type: 'a_new_block', x: [1.5] } }),
  'event: a_new_event\ndata: { "type":"a_new_event",\ndata: "x": 1.0, "y":12345678901234567890}\n\n',
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello there' } }),
  event('content_block_stop', { index: 0 }),
  event('message_delta', {
    delta: { stop_reason: 'end_turn' },
    usage: { output_tokens: 7, x_new: { a: 1 } },
  }),
  event('message_stop', { x_last: true }),
];

describe('Anthropic, called by its own protocol,', () => {
  let gateway: TestGateway;
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await startScriptedUpstream();
    gateway = await startTestGateway({ base_urls: { anthropic: upstream.url } });
  });
  after(async () => {
    await gateway.close();
    await upstream.close();
  });

  const send = (body: string, headers: Record<string, string> = {}, path = '/v1/messages'): Promise<ClientResponse> =>
    gateway.send({
      method: 'POST',
      path,
      headers: { ...bearer(gateway.keys.api_key), ...headers },
      body,
    });

  const stream = (frames: readonly string[]): void =>
    upstream.script((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(frames.join(''));
    });

  it("gets the body byte for byte, with the client's version and betas and the operator's key", async () => {
    upstream.script((response) => sendJson(response, JSON.stringify(MESSAGE)));
    const body =
      '{ "model":"claude-haiku-4-5", "max_tokens": 50, "x_big":12345678901234567890,"x":1.0, "x":2e0,' +
      '"tools":[{"type":"web_search_20260209","name":"web_search"}],"container":"c",' +
      '"messages":[{"role":"user","content":[{"type":"a_new_block","text":"\\u00e9"}]}]\n}';
    const client_response = await send(body, { 'anthropic-version': '2024-01-01', 'anthropic-beta': 'a,b' });
    assert.equal(client_response.status, 200, client_response.text);
    const { url, headers, body: received } = upstream.received.at(-1)!;
    assert.equal(url, '/v1/messages');
    assert.equal(received, body);
    assert.equal(headers['x-api-key'], 'sk-upstream-1234567890');
    assert.equal(headers['anthropic-version'], '2024-01-01');
    assert.equal(headers['anthropic-beta'], 'a,b');
    assert.ok(!JSON.stringify(headers).includes(gateway.keys.api_key));
  });

  it('has its response passed through byte for byte, and its usage recorded by kind', async () => {
    const text = `{ "x_new":[1.0, 1e2,"\\u00e9"],\n${JSON.stringify(MESSAGE).slice(1)}`;
    upstream.script((response) => sendJson(response, text));
    const client_response = await send(JSON.stringify(HELLO));
    assert.equal(client_response.text, text);
    const call = await gateway.recorded(client_response.request_id);
    assert.deepEqual(
      [call.prompt_tokens, call.cached_tokens, call.cache_write_tokens, call.completion_tokens],
      [130, 100, 20, 7],
    );
  });

  it('has its stream passed through byte for byte, including unknown events', async () => {
    stream(EVENTS);
    const client_response = await send(JSON.stringify({ ...HELLO, stream: true }));
    assert.equal(client_response.text, EVENTS.join(''));
    const call = await gateway.recorded(client_response.request_id);
    assert.equal(call.usage_source, 'provider');
    assert.deepEqual([call.prompt_tokens, call.completion_tokens], [130, 7]);
  });

  it('has a stream that ends too early counted, and ended with an error of the protocol', async () => {
    for (const sent of [2, 5, 6]) {
      stream(EVENTS.slice(0, sent));
      const client_response = await send(JSON.stringify({ ...HELLO, stream: true }));
      assert.ok(client_response.text.startsWith(EVENTS.slice(0, sent).join('')));
      assert.match(client_response.text, /event: error\ndata: \{"type":"error",.*"provider_disconnected".*\}\n\n$/);
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.error_code, 'provider_disconnected');
      assert.equal(call.prompt_tokens, 130);
      if (sent > 2) {
        assert.equal(call.usage_source, 'counted');
        assert.equal(call.completion_tokens, 2);
      }
    }
  });

  it('breaks only its own stream by malformed events', async () => {
    const [start = ''] = EVENTS;
    for (const frame of [
      'data: {not json}\n\n',
      'data: 7\n\n',
      event('message_start', { message: 7 }),
      event('message_delta', { usage: { output_tokens: 'many' } }),
      event('message_stop', {}),
      event('error', { error: 7 }),
    ]) {
      for (const frames of [[frame], [start, frame]]) {
        stream(frames);
        const client_response = await send(JSON.stringify({ ...HELLO, stream: true }));
        const { error_code } = await gateway.recorded(client_response.request_id);
        const known = [null, 'provider_malformed', 'provider_error', 'provider_disconnected'];
        assert.ok(known.includes(error_code), `${frame}: ${error_code}`);
      }
    }
  });

  it('gets no body with two limits: the call is refused', async () => {
    const client_response = await send(
      '{"max_tokens":1,"model":"claude-haiku-4-5","messages":[{"role":"user","content":"x"}],"max_tokens":9}',
    );
    assert.equal(client_response.status, 400);
    assert.equal((client_response.json as { error: { param: string } }).error.param, 'max_tokens');
  });

  it('counts the tokens itself', async () => {
    upstream.script((response) => sendJson(response, '{"input_tokens": 42, "x_new":1}'));
    const { max_tokens: _limit, ...body } = HELLO;
    const client_response = await send(JSON.stringify(body), {}, '/v1/messages/count_tokens');
    assert.equal(client_response.text, '{"input_tokens": 42, "x_new":1}');
    assert.equal(upstream.received.at(-1)!.url, '/v1/messages/count_tokens');
    assert.equal(upstream.received.at(-1)!.body, JSON.stringify(body));
    upstream.script((response) => sendJson(response, '{"input_tokens":"many"}'));
    assert.equal((await send(JSON.stringify(body), {}, '/v1/messages/count_tokens')).status, 502);
  });
});
