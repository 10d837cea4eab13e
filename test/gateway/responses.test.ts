import assert from 'node:assert/strict';
import OpenAI from 'openai';
import type { ResponseInputItem, ResponseStreamEvent } from 'openai/resources/responses/responses';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { errorOf, until } from '../support/http.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-2.5-flash'] as const;
const PROVIDERS = {
  'gpt-4o-mini': 'openai',
  'claude-haiku-4-5': 'anthropic',
  'gemini-2.5-flash': 'google',
} as const;

const tool = (name: string): OpenAI.Responses.FunctionTool => ({
  type: 'function',
  name,
  description: `Tells the ${name}.`,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Paris'] } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
});

/** Asserts that events are numbered without a gap, and that each item and part begins before its other events. */
const assertInOrder = (events: readonly ResponseStreamEvent[]): void => {
  const begun = new Map<number, { id: string | undefined; parts: number; is_done: boolean }>();
  events.forEach((event, number) => {
    assert.equal(event.sequence_number, number);
    if (event.type === 'response.output_item.added') {
      assert.equal(event.output_index, begun.size, 'items begin in order');
      begun.set(event.output_index, { id: event.item.id, parts: 0, is_done: false });
    } else if ('output_index' in event) {
      const item = begun.get(event.output_index)!;
      assert.equal(item.is_done, false, event.type);
      if ('item_id' in event) assert.equal(event.item_id, item.id);
      if (event.type === 'response.content_part.added') assert.equal(event.content_index, item.parts++);
      else if ('content_index' in event) assert.equal(event.content_index, item.parts - 1);
      if (event.type === 'response.output_item.done') item.is_done = true;
    }
  });
  assert.ok(
    [...begun.values()].every(({ is_done }) => is_done),
    'every item ends',
  );
  assert.deepEqual(
    events.slice(0, 2).map(({ type }) => type),
    ['response.created', 'response.in_progress'],
  );
  assert.match(events.at(-1)!.type, /^response\.(completed|incomplete)$/);
};

describe('POST /v1/responses', () => {
  let gateway: TestGateway;
  let client: OpenAI;

  before(async () => {
    gateway = await startTestGateway();
    client = gateway.openai();
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      it("answers OpenAI's SDK with text and usage, and records the call with its cost", async () => {
        const sent = client.responses.create({ model, input: 'Good morning' });
        const { data, response } = await sent.withResponse();
        assert.equal(data.output_text, 'You wrote: Good morning');
        assert.equal(data.status, 'completed');
        assert.equal(data.usage!.input_tokens, 3);
        assert.equal(data.usage!.output_tokens, 4);
        const call = await gateway.recorded(response.headers.get('x-request-id')!);
        assert.equal(call.endpoint, '/v1/responses');
        assert.equal(call.provider, PROVIDERS[model]);
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.prompt_tokens, 3);
        assert.equal(call.completion_tokens, 4);
        assert.equal(call.rating, 'RATED');
        assert.ok(BigInt(call.customer_cost!) > 0n);
      });

      it('streams the same response as the whole one, with events in order', async () => {
        const input = 'Größe ✓ of things';
        const whole = await client.responses.create({ model, input });
        const stream = client.responses.stream({ model, input });
        const events: ResponseStreamEvent[] = [];
        stream.on('event', (event) => events.push(event));
        const streamed = await stream.finalResponse();
        assertInOrder(events);
        assert.equal(streamed.output_text, whole.output_text);
        assert.deepEqual({ ...streamed.usage }, { ...whole.usage });
        const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
        assert.ok(deltas.length > 1);
        assert.equal(deltas.join(''), whole.output_text);
      });

      it('calls tools and accepts their results, whole and streamed', async () => {
        const tools = [tool('weather'), tool('time')];
        const input: ResponseInputItem[] = [{ role: 'user', content: 'weather and time, please' }];
        const first = await client.responses.create({ model, input, tools });
        const calls = first.output.filter((item) => item.type === 'function_call');
        assert.deepEqual(
          calls.map(({ name }) => name),
          ['weather', 'time'],
        );
        for (const call of calls) assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris' });

        const stream = client.responses.stream({ model, input, tools });
        const events: ResponseStreamEvent[] = [];
        stream.on('event', (event) => events.push(event));
        const streamed = await stream.finalResponse();
        assertInOrder(events);
        assert.deepEqual(
          streamed.output.map((item) => item.type === 'function_call' && [item.name, item.arguments]),
          first.output.map((item) => item.type === 'function_call' && [item.name, item.arguments]),
        );

        const results = calls.map(({ call_id }) => ({
          type: 'function_call_output' as const,
          call_id,
          output: 'sunny',
        }));
        const second = await client.responses.create({
          model,
          input: [...input, ...(first.output as ResponseInputItem[]), ...results],
          tools,
        });
        assert.match(second.output_text, /sunny/);
      });

      it('parses structured output', async () => {
        const schema = {
          type: 'object',
          properties: { name: { type: 'string' }, age: { type: 'integer' } },
          required: ['name', 'age'],
          additionalProperties: false,
        };
        const text = { format: { type: 'json_schema' as const, name: 'person', schema, strict: true } };
        const parsed = await client.responses.parse({ model, input: 'Who?', text });
        const given = parsed.output_parsed as unknown as { name: string; age: number };
        assert.equal(typeof given.name, 'string');
        assert.ok(Number.isInteger(given.age));
      });

      it('reports that the token limit cut a response', async () => {
        const input = 'one two three four five six';
        const whole = await client.responses.create({ model, input, max_output_tokens: 16 });
        assert.equal(whole.status, 'completed');
        for (const stream of [false, true]) {
          const request = { model, input: `[[sandbox: tokens=40]]`, max_output_tokens: 16 };
          const cut = stream
            ? await client.responses.stream(request).finalResponse()
            : await client.responses.create(request);
          assert.equal(cut.status, 'incomplete');
          assert.deepEqual(cut.incomplete_details, { reason: 'max_output_tokens' });
          assert.equal(cut.usage!.output_tokens, 16);
        }
      });

      it('accepts instructions, images, files and messages of all roles', async () => {
        const client_response = await client.responses.create({
          model,
          instructions: 'Be brief.',
          input: [
            { role: 'developer', content: 'Speak plainly.' },
            { role: 'user', content: 'Hi' },
            { type: 'message', role: 'assistant', content: 'Hello.' },
            {
              role: 'user',
              content: [
                { type: 'input_text', text: 'What is this?' },
                { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
                { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
              ],
            },
          ],
        });
        assert.match(client_response.output_text, /What is this\?/);
      });

      it('counts the usage if the client disconnects within the stream', async () => {
        const input = '[[sandbox: tokens=200 token_interval_ms=10]]';
        const { data, response } = await client.responses.create({ model, input, stream: true }).withResponse();
        let deltas = 0;
        for await (const event of data) {
          if (event.type === 'response.output_text.delta') deltas += 1;
          if (deltas === 5) break;
        }
        const id = response.headers.get('x-request-id')!;
        await until(async () => {
          const { text } = await gateway.get('/metrics');
          return /^onevault_calls_in_flight 0$/m.test(text);
        }, 'no call is in flight');
        const call = await gateway.recorded(id);
        assert.equal(call.response_status, 'CANCELLED');
        assert.equal(call.usage_source, 'counted');
        assert.ok(call.completion_tokens! >= 5 && call.completion_tokens! < 200);
        assert.equal(call.rating, 'RATED');
      });

      it("reports the provider's errors to the SDK, before and within a stream", async () => {
        await assert.rejects(
          client.responses.create({ model, input: '[[sandbox: status=429]]' }),
          OpenAI.RateLimitError,
        );
        const stream = await client.responses.create({
          model,
          input: '[[sandbox: error_after=3 tokens=20 token_interval_ms=5]]',
          stream: true,
        });
        let events = 0;
        await assert.rejects(async () => {
          for await (const event of stream) {
            events += 1;
            assert.ok(event.type !== 'response.completed');
          }
        }, OpenAI.APIError);
        assert.ok(events > 0);
      });
    });
  }

  it('refuses requests that cannot be answered or billed, and names the field', async () => {
    const cases: readonly (readonly [object, string])[] = [
      [{}, 'input'],
      [{ input: '' }, 'input'],
      [{ input: [] }, 'input'],
      [{ input: 'x', background: true }, 'background'],
      [{ input: [{ role: 'robot', content: 'x' }] }, 'input[0].role'],
      [{ input: [{ role: 'user', content: 7 }] }, 'input[0].content'],
      [{ input: [{ role: 'user', content: [7] }] }, 'input[0].content[0]'],
      [{ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'input[0].content[0].text'],
      [{ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }, 'input[0].call_id'],
      [{ input: [{ type: 'function_call_output', output: 'x' }] }, 'input[0].call_id'],
      [
        { input: [{ type: 'reasoning', summary: [], encrypted_content: 'onevault.v1.e30' }] },
        'input[0].encrypted_content',
      ],
      [{ input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name'],
      [{ input: 'x', tool_choice: 'maybe' }, 'tool_choice'],
      [{ input: 'x', text: { format: { type: 'json_schema' } } }, 'text.format.schema'],
    ];
    for (const [body, param] of cases) {
      const client_response = await gateway.post('/v1/responses', { model: MODELS[1], ...body });
      assert.equal(client_response.status, 400, client_response.text);
      assert.equal(errorOf(client_response).code, 'invalid_request');
      assert.equal(errorOf(client_response).param, param);
    }
  });

  it('refuses fields that another provider lacks, unless the client allows their omission', async () => {
    const cases: readonly (readonly [object, string])[] = [
      [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
      [{ conversation: 'conv_1' }, 'conversation'],
      [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
      [{ store: true }, 'store'],
      [{ truncation: 'auto' }, 'truncation'],
      [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
      [{ tools: [{ type: 'custom', name: 'c' }] }, 'tools[0].type'],
      [{ tool_choice: { type: 'file_search' } }, 'tool_choice.type'],
      [{ input: [{ role: 'user', content: 'x' }, { id: 'msg_1' }] }, 'input[1]'],
      [
        {
          input: [
            { role: 'user', content: 'x' },
            { type: 'web_search_call', id: 'ws' },
          ],
        },
        'input[1].type',
      ],
      [
        {
          input: [
            {
              role: 'user',
              content: [
                { type: 'input_text', text: 'x' },
                { type: 'input_image', file_id: 'f' },
              ],
            },
          ],
        },
        'input[0].content[1].file_id',
      ],
      [{ top_logprobs: 2 }, 'include'],
      [{ x_unknown: 1 }, 'x_unknown'],
    ];
    for (const [more, param] of cases) {
      const body = { model: MODELS[1], input: 'x', ...more };
      const client_response = await gateway.post('/v1/responses', body);
      assert.equal(client_response.status, 400, client_response.text);
      assert.equal(errorOf(client_response).code, 'unsupported_feature');
      assert.equal(errorOf(client_response).param, param);
      const lenient = await gateway.send({
        method: 'POST',
        path: '/v1/responses',
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${gateway.keys.api_key}`, 'x-onevault-unsupported-fields': 'allow' },
      });
      assert.equal(lenient.status, 200, lenient.text);
      assert.ok(lenient.headers['x-onevault-unsupported-fields']?.includes(param.split(/[.[]/)[0]!));
    }
  });

  it('returns unreadable thinking as opaque text, which the client sends back with the tool results', async () => {
    const input: ResponseInputItem[] = [{ role: 'user', content: 'weather? [[sandbox: thinking_tokens=3]]' }];
    const request = {
      model: 'claude-haiku-4-5',
      tools: [tool('weather')],
      reasoning: { effort: 'low' as const },
    };
    const first = await client.responses.create({ ...request, input });
    const [thought, call] = first.output;
    assert.ok(thought?.type === 'reasoning' && call?.type === 'function_call');
    assert.match(thought.encrypted_content!, /^onevault\.v1\./);
    const streamed = await client.responses.stream({ ...request, input }).finalResponse();
    assert.deepEqual(
      streamed.output.map(({ type }) => type),
      ['reasoning', 'function_call'],
    );
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'sunny' };
    const second = await client.responses.create({
      ...request,
      input: [...input, ...(first.output as ResponseInputItem[]), result],
    });
    assert.match(second.output_text, /sunny/);
  });

  it('finds compliance flags in fields that other providers lack', async () => {
    const body = { model: MODELS[0], input: 'x', prompt: { id: 'p', variables: { who: 'SSN 219-09-9999' } } };
    const client_response = await gateway.post('/v1/responses', body);
    assert.ok((await gateway.recorded(client_response.request_id)).compliance_flags.length > 0);
  });
});
