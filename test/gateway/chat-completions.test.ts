import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { framesOf } from '../support/http.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5'] as const;

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Paris'] } },
      required: ['city'],
    },
  },
} as const;

const requestOf = (model: string, content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

describe('POST /v1/chat/completions', () => {
  let gateway: TestGateway;
  let client: OpenAI;

  before(async () => {
    gateway = await startTestGateway();
    client = gateway.openai();
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      it("answers OpenAI's SDK with text, usage and an id, and records the call with its cost", async () => {
        const { data, response } = await client.chat.completions
          .create(requestOf(model, 'Good morning'))
          .withResponse();
        assert.equal(data.choices[0]?.message.content, 'You wrote: Good morning');
        assert.equal(data.usage?.prompt_tokens, 3);
        const request_id = response.headers.get('x-request-id')!;
        const call = await gateway.recorded(request_id);
        assert.equal(call.customer, 'demo');
        assert.equal(call.model, model);
        assert.equal(call.provider, model.startsWith('gpt') ? 'openai' : 'anthropic');
        assert.equal(call.response_status, 'SUCCESS');
        assert.equal(call.http_status, 200);
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.prompt_tokens, 3);
        assert.equal(call.completion_tokens, data.usage?.completion_tokens);
        assert.equal(call.rating, 'RATED');
        assert.ok(BigInt(call.customer_cost!) > BigInt(call.provider_cost!));
        assert.equal(BigInt(call.customer_cost!), BigInt(call.provider_cost!) + BigInt(call.gateway_markup!));
        assert.equal(call.route?.attempts.length, 1);
        assert.equal(call.route?.decision, 'model named by the client');
      });

      it('streams the same text, and records the same usage although the client did not request it', async () => {
        const { data, response } = await client.chat.completions
          .create({ ...requestOf(model, 'One two three'), stream: true })
          .withResponse();
        let text = '';
        for await (const chunk of data) {
          text += chunk.choices[0]?.delta.content ?? '';
          assert.ok(!chunk.usage, 'usage is hidden from a client that did not request it');
          assert.equal(chunk.choices.length, 1, 'and so is the frame that carries it alone');
        }
        assert.equal(text, 'You wrote: One two three');
        const call = await gateway.recorded(response.headers.get('x-request-id')!);
        assert.equal(call.is_streamed, true);
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.completion_tokens, 5);
        assert.ok(call.time_to_first_token_ms !== null);
      });

      it('sends usage in the stream of a client that requested it', async () => {
        const stream = await client.chat.completions.create({
          ...requestOf(model, 'One two three'),
          stream: true,
          stream_options: { include_usage: true },
        });
        const usages: OpenAI.CompletionUsage[] = [];
        for await (const chunk of stream) if (chunk.usage) usages.push(chunk.usage);
        assert.equal(usages.length, 1);
        assert.equal(usages[0]?.completion_tokens, 5);
      });

      it('completes a loop of tool calls, streamed and whole', async () => {
        const call = { ...requestOf(model, 'Use get_weather'), tools: [WEATHER] };
        const whole = await client.chat.completions.create(call);
        const streamed = await client.chat.completions.stream(call).finalChatCompletion();
        for (const { choices } of [whole, streamed]) {
          assert.equal(choices[0]?.finish_reason, 'tool_calls');
          const made = choices[0]?.message.tool_calls?.[0];
          assert.ok(made?.type === 'function');
          assert.deepEqual(JSON.parse(made.function.arguments), { city: 'Paris' });
          const last = await client.chat.completions.create({
            ...call,
            messages: [
              ...call.messages,
              choices[0]!.message,
              { role: 'tool', tool_call_id: made.id, content: 'Rain.' },
            ],
          });
          assert.equal(last.choices[0]?.message.content, 'The tool said: Rain.');
        }
      });

      it('answers structured output that fits its schema', async () => {
        const { choices } = await client.chat.completions.create({
          ...requestOf(model, 'Give me JSON'),
          response_format: {
            type: 'json_schema',
            json_schema: {
              name: 'answer',
              schema: { type: 'object', properties: { n: { type: 'integer', minimum: 7 } }, required: ['n'] },
            },
          },
        });
        assert.deepEqual(JSON.parse(choices[0]!.message.content!), { n: 7 });
      });
    });
  }

  it('ends a stream with [DONE], and forbids proxies to buffer it', async () => {
    const client_response = await gateway.chat({ ...requestOf('gpt-4o-mini', 'Hi'), stream: true });
    assert.match(client_response.headers['content-type']!, /^text\/event-stream/);
    assert.equal(client_response.headers['cache-control'], 'no-cache');
    assert.equal(client_response.headers['x-accel-buffering'], 'no');
    assert.equal(framesOf(client_response.text).at(-1), '[DONE]');
  });

  it('accepts the key in x-api-key too', async () => {
    const client_response = await gateway.send({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'x-api-key': gateway.keys.api_key },
      body: JSON.stringify(requestOf('gpt-4o-mini', 'Hi')),
    });
    assert.equal(client_response.status, 200);
  });

  it("records size and commitment of request and response, which the receipt's salts open", async () => {
    for (const stream of [false, true]) {
      const body = Buffer.from(JSON.stringify({ ...requestOf('gpt-4o-mini', 'Größe ✓'), stream }));
      const client_response = await gateway.send({
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { authorization: `Bearer ${gateway.keys.api_key}`, 'content-type': 'application/json' },
        body,
      });
      const [version, request_salt, response_salt] = String(client_response.headers['x-onevault-receipt']).split('.');
      assert.equal(version, 'v1');
      const commit = (salt: string, bytes: Buffer) => hash('sha256', Buffer.concat([Buffer.from(salt, 'hex'), bytes]));
      const call = await gateway.recorded(client_response.request_id);
      assert.equal(call.request_commitment, commit(request_salt!, body));
      assert.equal(call.response_commitment, commit(response_salt!, Buffer.from(client_response.text)));
      assert.equal(call.request_bytes, body.length);
      assert.equal(call.response_bytes, Buffer.byteLength(client_response.text));
    }
  });

  it('gives each call its own salts', async () => {
    const receipts = new Set<unknown>();
    for (let count = 0; count < 3; count += 1) {
      receipts.add((await gateway.chat(requestOf('gpt-4o-mini', 'Hi'))).headers['x-onevault-receipt']);
    }
    assert.equal(receipts.size, 3);
  });

  it('stores neither the prompt nor the response', async () => {
    const secret = `needle-${Math.random().toString(36).slice(2)}`;
    const { request_id } = await gateway.chat(requestOf('gpt-4o-mini', secret));
    const call = await gateway.recorded(request_id);
    assert.ok(!JSON.stringify(call).includes(secret));
  });

  it('records the compliance flags of a prompt', async () => {
    const prompt = 'Patient jane@example.org, MRN 1234567, paid with 4111 1111 1111 1111 12/27';
    const { request_id } = await gateway.chat(requestOf('gpt-4o-mini', prompt));
    const call = await gateway.recorded(request_id);
    assert.deepEqual(call.compliance_flags, ['PHI', 'PII', 'CARD']);
  });

  it('limits the response to the length that the client requests, and reports the limit as finish reason', async () => {
    const { choices } = await client.chat.completions.create({
      ...requestOf('claude-haiku-4-5', 'one two three four five'),
      max_completion_tokens: 3,
    });
    assert.equal(choices[0]?.finish_reason, 'length');
    assert.equal(choices[0]?.message.content?.trim(), 'You wrote: one');
  });
});
