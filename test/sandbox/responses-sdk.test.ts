import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const WEATHER: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather in a city.',
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Paris', 'Rome'] }, days: { type: 'integer', minimum: 3 } },
    required: ['city', 'days'],
    additionalProperties: false,
  },
};
const model = 'gpt-5';

describe("the sandbox's responses endpoint with OpenAI's SDK", () => {
  let sandbox: Sandbox;
  let client: OpenAI;

  before(async () => {
    sandbox = await startSandbox();
    client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: 'sk-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  const eventsOf = async (body: object): Promise<OpenAI.Responses.ResponseStreamEvent[]> => {
    const stream = await client.responses.create({ model, input: '', ...body, stream: true });
    return Array.fromAsync(stream as AsyncIterable<OpenAI.Responses.ResponseStreamEvent>);
  };
  /** The event types in order, without repeated deltas. */
  const typesOf = (events: readonly OpenAI.Responses.ResponseStreamEvent[]): string[] =>
    events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]);

  it('answers with text, usage and the requested settings', async () => {
    const response = await client.responses.create({ model, input: 'Good morning', temperature: 0.5 });
    assert.equal(response.output_text, 'You wrote: Good morning');
    assert.equal(response.status, 'completed');
    assert.equal(response.temperature, 0.5);
    assert.deepEqual(response.usage, {
      input_tokens: 3,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 4,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 7,
    });
  });

  it('streams numbered events in order, and ends with the same response that it answers as a whole', async () => {
    const input = 'Größe ✓ of things';
    const events = await eventsOf({ input });
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    );
    assert.deepEqual(typesOf(events), [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const whole = await client.responses.create({ model, input });
    const streamed = await client.responses.stream({ model, input }).finalResponse();
    assert.equal(streamed.output_text, whole.output_text);
    assert.deepEqual(streamed.usage, whole.usage);
  });

  it('calls functions, in a stream and in a whole response, and continues from their result', async () => {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Use get_weather please' }];
    const whole = await client.responses.create({ model, input, tools: [WEATHER] });
    const streamed = await client.responses.stream({ model, input, tools: [WEATHER] }).finalResponse();
    for (const response of [whole, streamed]) {
      const [call] = response.output;
      assert.ok(call?.type === 'function_call');
      assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris', days: 3 });
    }
    const [call] = whole.output;
    assert.ok(call?.type === 'function_call');
    const next = await client.responses.create({
      model,
      input: [...input, call, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
      tools: [WEATHER],
    });
    assert.equal(next.output_text, 'The tool said: sunny');
  });

  it('makes several calls at once by directive, but only one if the request forbids parallel calls', async () => {
    const input = '[[sandbox: tool_calls=3]]';
    const many = await client.responses.create({ model, input, tools: [WEATHER] });
    assert.equal(new Set(many.output.map((item) => item.type === 'function_call' && item.call_id)).size, 3);
    const one = await client.responses.create({ model, input, tools: [WEATHER], parallel_tool_calls: false });
    assert.equal(one.output.length, 1);
  });

  it("fills a JSON Schema that the SDK's helper parses", async () => {
    const response = await client.responses.parse<OpenAI.Responses.ResponseCreateParamsNonStreaming, unknown>({
      model,
      input: 'Any city',
      text: { format: { type: 'json_schema', name: 'city', strict: true, schema: WEATHER.parameters! } },
    });
    assert.deepEqual(JSON.parse(response.output_text), { city: 'Paris', days: 3 });
  });

  it('reasons without output, with a summary, or with encrypted content that the client sends back', async () => {
    const hidden = await client.responses.create({ model, input: 'Hm', reasoning: { effort: 'low' } });
    assert.equal(hidden.usage?.output_tokens_details.reasoning_tokens, 8);
    assert.equal(hidden.usage?.output_tokens, 8 + 3);
    const events = await eventsOf({
      input: 'Hm',
      reasoning: { effort: 'low', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    });
    assert.deepEqual(typesOf(events).slice(2, 8), [
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
    ]);
    const end = events.at(-1);
    assert.ok(end?.type === 'response.completed');
    const [reasoning] = end.response.output;
    assert.ok(reasoning?.type === 'reasoning' && typeof reasoning.encrypted_content === 'string');
    const again = await client.responses.create({
      model,
      input: [reasoning, { role: 'user', content: 'And?' }],
    });
    assert.equal(again.output_text, 'You wrote: And?');
  });

  it('ends incomplete at the limit of tokens and when blocked, and marks a refusal as one', async () => {
    const cut = await eventsOf({ input: 'one two three four', max_output_tokens: 3 });
    const end = cut.at(-1);
    assert.ok(end?.type === 'response.incomplete');
    assert.equal(end.response.incomplete_details?.reason, 'max_output_tokens');
    const blocked = await client.responses.create({ model, input: '[[sandbox: block]]' });
    assert.equal(blocked.incomplete_details?.reason, 'content_filter');
    const refused = await eventsOf({ input: '[[sandbox: refuse]]' });
    assert.ok(typesOf(refused).includes('response.refusal.done'));
  });

  it('stores nothing, and refuses a reference to an earlier response', async () => {
    const after = client.responses.create({ model, input: 'x', previous_response_id: 'resp_1' });
    await assert.rejects(after, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, 'previous_response_not_found');
      assert.equal(error.param, 'previous_response_id');
      return true;
    });
    await assert.rejects(client.responses.create({ model, input: 'x', conversation: 'conv_1' }), OpenAI.NotFoundError);
    const lone = { type: 'function_call_output' as const, call_id: 'call_1', output: 'x' };
    await assert.rejects(client.responses.create({ model, input: [lone] }), OpenAI.BadRequestError);
  });

  it('refuses an unknown model, a missing input and a missing model', async () => {
    await assert.rejects(client.responses.create({ model: 'missing', input: 'x' }), OpenAI.NotFoundError);
    await assert.rejects(client.responses.create({ model, input: [] }), OpenAI.BadRequestError);
    await assert.rejects(client.responses.create({ input: 'x' }), OpenAI.BadRequestError);
  });

  it('ends a stream with an error that the SDK throws', async () => {
    await assert.rejects(eventsOf({ input: '[[sandbox: error_after=4]]' }), /The server had an error/);
  });

  it('writes a sentence before it calls functions if a directive requests it', async () => {
    const call = { model, input: '[[sandbox: preface tool_calls=2]]', tools: [WEATHER] };
    const whole = await client.responses.create(call);
    const streamed = await client.responses.stream(call).finalResponse();
    for (const { output, output_text } of [whole, streamed]) {
      assert.equal(output_text, 'I shall look that up.');
      assert.deepEqual(
        output.map(({ type }) => type),
        ['message', 'function_call', 'function_call'],
      );
    }
  });
});
