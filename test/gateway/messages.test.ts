import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer } from '../support/http.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5'] as const;

const tool = (name: string): Anthropic.Tool => ({
  name,
  input_schema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } },
});

const requestOf = (model: string, content: Anthropic.MessageParam['content']) => ({
  model,
  max_tokens: 1_024,
  messages: [{ role: 'user' as const, content }] as Anthropic.MessageParam[],
});

describe('POST /v1/messages', () => {
  let gateway: TestGateway;
  let client: Anthropic;

  before(async () => {
    gateway = await startTestGateway();
    client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.keys.api_key, maxRetries: 0 });
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      it("answers Anthropic's SDK with text, usage and an id, and records the call with its cost", async () => {
        const sent = client.messages.create(requestOf(model, 'Good morning'));
        const { data, response, request_id } = await sent.withResponse();
        const [block] = data.content;
        assert.ok(block?.type === 'text');
        assert.equal(block.text, 'You wrote: Good morning');
        assert.equal(data.stop_reason, 'end_turn');
        assert.equal(data.usage.input_tokens, 3);
        assert.equal(data.usage.output_tokens, 4);
        assert.equal(request_id, response.headers.get('x-request-id'));
        const call = await gateway.recorded(request_id!);
        assert.equal(call.endpoint, '/v1/messages');
        assert.equal(call.provider, model.startsWith('gpt') ? 'openai' : 'anthropic');
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.prompt_tokens, 3);
        assert.equal(call.completion_tokens, 4);
        assert.equal(call.rating, 'RATED');
        assert.ok(BigInt(call.customer_cost!) > 0n);
      });

      it('streams the same message as the whole response, and records the same usage', async () => {
        const request = requestOf(model, 'Größe ✓ of things');
        const whole = await client.messages.create(request);
        const stream = client.messages.stream(request);
        const texts: string[] = [];
        stream.on('text', (text) => texts.push(text));
        const streamed = await stream.finalMessage();
        assert.deepEqual(
          streamed.content.map((block) => block.type === 'text' && block.text),
          whole.content.map((block) => block.type === 'text' && block.text),
        );
        assert.ok(texts.length > 1);
        assert.equal(streamed.stop_reason, whole.stop_reason);
        assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
        assert.equal(streamed.usage.input_tokens, whole.usage.input_tokens);
        const call = await gateway.recorded(stream.response!.headers.get('request-id')!);
        assert.equal(call.is_streamed, true);
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.completion_tokens, whole.usage.output_tokens);
      });

      it('completes a loop of parallel tool calls, streamed and whole', async () => {
        const call = {
          ...requestOf(model, 'Use get_weather and get_time'),
          system: 'Be kind.',
          tools: [tool('get_weather'), tool('get_time')],
        };
        const whole = await client.messages.create(call);
        const streamed = await client.messages.stream(call).finalMessage();
        for (const { content, stop_reason } of [whole, streamed]) {
          assert.equal(stop_reason, 'tool_use');
          const uses = content.filter((block) => block.type === 'tool_use');
          assert.deepEqual(
            uses.map(({ name, input }) => ({ name, input })),
            [
              { name: 'get_weather', input: { city: 'Paris' } },
              { name: 'get_time', input: { city: 'Paris' } },
            ],
          );
          const results = uses.map(({ id, name }) => ({
            type: 'tool_result' as const,
            tool_use_id: id,
            content: [{ type: 'text' as const, text: `${name} ` }],
          }));
          const last = await client.messages.create({
            ...call,
            messages: [...call.messages, { role: 'assistant', content }, { role: 'user', content: results }],
          });
          const [text] = last.content;
          assert.ok(text?.type === 'text');
          assert.equal(text.text.trim(), 'The tool said: get_weather get_time');
        }
      });

      it('calls the required tool, and only one at a time on request', async () => {
        const tools = [tool('get_weather'), tool('get_time')];
        const forced = await client.messages.create({
          ...requestOf(model, 'Hi'),
          tools,
          tool_choice: { type: 'tool', name: 'get_time' },
        });
        assert.equal(forced.stop_reason, 'tool_use');
        const single = await client.messages.create({
          ...requestOf(model, 'Use get_weather and get_time'),
          tools,
          tool_choice: { type: 'auto', disable_parallel_tool_use: true },
        });
        for (const [{ content }, name] of [
          [forced, 'get_time'],
          [single, 'get_weather'],
        ] as const) {
          assert.deepEqual(
            content.map((block) => block.type === 'tool_use' && block.name),
            [name],
          );
        }
      });

      it("returns structured output that the SDK's helper parses", async () => {
        const schema = {
          type: 'object',
          properties: { n: { type: 'integer', enum: [7] } },
          required: ['n'],
          additionalProperties: false,
        } as const;
        const { parsed_output } = await client.messages.parse({
          ...requestOf(model, 'Give me JSON'),
          output_config: { format: jsonSchemaOutputFormat(schema) },
        });
        assert.deepEqual(parsed_output, { n: 7 });
      });

      it('accepts images and documents, and images in tool results', async () => {
        const image = {
          type: 'image' as const,
          source: { type: 'base64' as const, media_type: 'image/png' as const, data: 'iVBORw0KGgo=' },
        };
        const seen = await client.messages.create(
          requestOf(model, [
            image,
            { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } },
            { type: 'text', text: 'Look' },
          ]),
        );
        assert.ok(seen.content[0]?.type === 'text');
        assert.match(seen.content[0].text, /^You wrote: Look \(images: 1\)$/);
        const shown = await client.messages.create({
          ...requestOf(model, 'Use nothing'),
          messages: [
            { role: 'user', content: 'go' },
            { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [image] }] },
          ],
        });
        assert.ok(shown.content[0]?.type === 'text');
        assert.match(shown.content[0].text, /\(images: 1\)$/);
      });

      it('limits the output tokens, and reports the limit as stop reason', async () => {
        const { content, stop_reason } = await client.messages.create({
          ...requestOf(model, 'one two three four five'),
          max_tokens: 3,
        });
        assert.equal(stop_reason, 'max_tokens');
        assert.ok(content[0]?.type === 'text');
        assert.equal(content[0].text.trim(), 'You wrote: one');
      });

      it('counts tokens without cost, and records the call', async () => {
        const { max_tokens: _limit, ...counted } = requestOf(model, 'How many tokens are these?');
        const { data, response } = await client.messages.countTokens(counted).withResponse();
        assert.ok(data.input_tokens > 5 && data.input_tokens < 20, String(data.input_tokens));
        const call = await gateway.recorded(response.headers.get('request-id')!);
        assert.equal(call.endpoint, '/v1/messages/count_tokens');
        assert.equal(call.response_status, 'SUCCESS');
        assert.equal(call.customer_cost, '0');
        assert.equal(call.rating, 'NONE');
        const calls_provider = model.startsWith('claude');
        assert.equal(call.route?.attempts.length, calls_provider ? 1 : 0);
      });

      it("reports errors in Anthropic's format, whole and streamed", async () => {
        const promptWith = (directive: string) => requestOf(model, `[[sandbox: ${directive}]]`);
        for (const [directive, kind, code] of [
          ['status=429', Anthropic.RateLimitError, 'provider_rate_limited'],
          ['status=404', Anthropic.NotFoundError, 'provider_rejected'],
          ['status=500', Anthropic.InternalServerError, 'provider_error'],
        ] as const) {
          const thrown = await client.messages.create(promptWith(directive)).catch((error: unknown) => error);
          assert.ok(thrown instanceof kind, String(thrown));
          const body = thrown.error as { type: string; error: { code: string; type: string } };
          assert.equal(body.type, 'error');
          assert.equal(body.error.code, code);
        }
        const breaking = client.messages.stream(promptWith('error_after=4'));
        await assert.rejects(breaking.finalMessage(), /The provider failed/);
        const { text } = await gateway.send({
          method: 'POST',
          path: '/v1/messages',
          headers: bearer(gateway.keys.api_key),
          body: JSON.stringify({ ...promptWith('cut_after=4'), stream: true }),
        });
        const last = text.trim().split('\n\n').at(-1)!;
        assert.match(last, /^event: error\ndata: \{"type":"error","error":\{"code":"provider_disconnected"/);
      });
    });
  }

  it('refuses an unknown key, an unknown model and an invalid body, and names the field', async () => {
    const stranger = client.withOptions({ apiKey: 'sk_nobody' });
    await assert.rejects(stranger.messages.create(requestOf('gpt-4o-mini', 'x')), Anthropic.AuthenticationError);
    await assert.rejects(client.messages.create(requestOf('no-such-model', 'x')), Anthropic.NotFoundError);
    const wrong: readonly (readonly [object, string])[] = [
      [{ max_tokens: undefined }, 'max_tokens'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].role'],
      [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
      [{ messages: [{ role: 'user', content: [{ type: 'image' }] }] }, 'messages[0].content[0].source'],
      [{ messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] }, 'messages[0].content[0].tool_use_id'],
      [{ tools: [{ name: 'f' }] }, 'tools[0].input_schema'],
      [{ temperature: 1.5 }, 'temperature'],
    ];
    for (const [fields, param] of wrong) {
      const client_response = await gateway.post('/v1/messages', { ...requestOf('gpt-4o-mini', 'x'), ...fields });
      const { type, error } = client_response.json as { type: string; error: { type: string; param: string } };
      assert.equal(client_response.status, 400, client_response.text);
      assert.equal(type, 'error');
      assert.equal(error.type, 'invalid_request_error');
      assert.equal(error.param, param, client_response.text);
    }
  });

  it("reports a key's limit in the headers that SDKs read", async () => {
    const { key } = await gateway.newCustomer({ slug: 'limited' }, { rate_limit_requests_per_minute: 2 });
    const client_response = await gateway.post('/v1/messages', requestOf('claude-haiku-4-5', 'Hi'), key);
    assert.equal(client_response.status, 200, client_response.text);
    assert.equal(client_response.headers['anthropic-ratelimit-requests-limit'], '2');
    assert.equal(client_response.headers['anthropic-ratelimit-requests-remaining'], '1');
    assert.ok(!Number.isNaN(Date.parse(String(client_response.headers['anthropic-ratelimit-requests-reset']))));
    const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
    const other = await gateway.chat(chat, key);
    assert.equal(other.headers['x-ratelimit-limit-requests'], '2');
    assert.equal(other.headers['x-ratelimit-remaining-requests'], '0');
    const refused = await gateway.post('/v1/messages', requestOf('claude-haiku-4-5', 'Hi'), key);
    assert.equal(refused.status, 429);
    assert.equal((refused.json as { error: { type: string } }).error.type, 'rate_limit_error');
  });
});
