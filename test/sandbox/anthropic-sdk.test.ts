import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const WEATHER: Anthropic.Tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } },
};

const requestOf = (content: string) => ({
  model: 'claude-sonnet-5',
  max_tokens: 1_024,
  messages: [{ role: 'user' as const, content }],
});

describe("the sandbox with Anthropic's SDK", () => {
  let sandbox: Sandbox;
  let client: Anthropic;

  before(async () => {
    sandbox = await startSandbox();
    client = new Anthropic({ baseURL: sandbox.url, apiKey: 'sk-ant-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  it('answers a message with text, usage and a request id', async () => {
    const response = await client.messages.create(requestOf('Good morning'));
    assert.deepEqual(response.content, [{ type: 'text', text: 'You wrote: Good morning' }]);
    assert.equal(response.stop_reason, 'end_turn');
    assert.equal(response.usage.input_tokens, 3);
    assert.equal(response.usage.output_tokens, 4);
    assert.match(response._request_id ?? '', /^req_/);
  });

  it('streams the same message that it answers as a whole', async () => {
    const whole = await client.messages.create(requestOf('Größe ✓ of things'));
    const streamed = await client.messages.stream(requestOf('Größe ✓ of things')).finalMessage();
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
    assert.equal(streamed.stop_reason, 'end_turn');
  });

  it('calls the tools that the prompt names, in a stream and in a whole response', async () => {
    const call = { ...requestOf('Use get_weather please'), tools: [WEATHER] };
    const whole = await client.messages.create(call);
    const streamed = await client.messages.stream(call).finalMessage();
    for (const response of [whole, streamed]) {
      assert.equal(response.stop_reason, 'tool_use');
      const [use] = response.content;
      assert.ok(use?.type === 'tool_use');
      assert.deepEqual(use.input, { city: 'Paris' });
    }
  });

  it('fills a JSON Schema', async () => {
    const response = await client.messages.create({
      ...requestOf('Any city'),
      output_config: { format: { type: 'json_schema', schema: { ...WEATHER.input_schema } } },
    });
    const [block] = response.content;
    assert.ok(block?.type === 'text');
    assert.deepEqual(JSON.parse(block.text), { city: 'Paris' });
  });

  it('counts the same tokens as the usage of the call', async () => {
    const { max_tokens: _limit, ...call } = requestOf('How many tokens are these?');
    const counted = await client.messages.countTokens(call);
    const response = await client.messages.create(requestOf('How many tokens are these?'));
    assert.equal(counted.input_tokens, response.usage.input_tokens);
  });

  it("lists models in Anthropic's form", async () => {
    const models = await client.models.list();
    assert.ok(models.data.some(({ id, type }) => id === 'claude-sonnet-5' && type === 'model'));
  });

  it("refuses with Anthropic's errors for a bad key, a bad request, the rate limit, overload, and within a stream", async () => {
    const stranger = client.withOptions({ apiKey: 'invalid' });
    await assert.rejects(stranger.messages.create(requestOf('x')), Anthropic.AuthenticationError);
    await assert.rejects(client.messages.create({ ...requestOf('x'), messages: [] }), Anthropic.BadRequestError);
    await assert.rejects(client.messages.create(requestOf('[[sandbox: status=429]]')), Anthropic.RateLimitError);
    await assert.rejects(client.messages.create(requestOf('[[sandbox: status=529]]')), Anthropic.InternalServerError);
    const breaking = client.messages.stream(requestOf('[[sandbox: error_after=3]]'));
    await assert.rejects(breaking.finalMessage(), /Overloaded/);
  });

  it('thinks in a signed block, shown or hidden, in a stream and in a whole response', async () => {
    const thinking = { type: 'enabled', budget_tokens: 1_024 } as const;
    const call = { ...requestOf('Hm'), max_tokens: 2_048, thinking };
    const whole = await client.messages.create(call);
    const streamed = await client.messages.stream(call).finalMessage();
    assert.deepEqual(
      whole.content.map(({ type }) => type),
      ['thinking', 'text'],
    );
    const [thought] = whole.content;
    assert.ok(thought?.type === 'thinking' && thought.thinking !== '' && thought.signature !== '');
    assert.deepEqual(
      streamed.content.map((block) => (block.type === 'thinking' ? block.thinking : block.type)),
      [thought.thinking, 'text'],
    );
    assert.equal(whole.usage.output_tokens, 8 + 3);
    const omitted = await client.messages.create({ ...call, thinking: { ...thinking, display: 'omitted' } });
    assert.ok(omitted.content[0]?.type === 'thinking' && omitted.content[0].thinking === '');
    const again = [
      ...call.messages,
      { role: 'assistant' as const, content: whole.content },
      { role: 'user' as const, content: 'And?' },
    ];
    assert.deepEqual((await client.messages.create({ ...call, messages: again })).content.at(-1), {
      type: 'text',
      text: 'You wrote: And?',
    });
    await assert.rejects(client.messages.create({ ...call, max_tokens: 1_000 }), Anthropic.BadRequestError);
  });

  it('streams every event in order', async () => {
    const stream = await client.messages.create({ ...requestOf('one two'), stream: true });
    const types: string[] = [];
    for await (const { type } of stream) if (type !== types.at(-1)) types.push(type);
    assert.deepEqual(types, [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  it("completes a loop of the SDK's tool runner", async () => {
    const tool = betaTool({
      name: 'get_weather',
      description: 'The weather in a city.',
      inputSchema: {
        type: 'object',
        properties: { city: { type: 'string', enum: ['Paris'] } },
        required: ['city'],
      },
      run: ({ city }) => `sunny in ${city}`,
    });
    const last = await client.beta.messages.toolRunner({ ...requestOf('Use get_weather please'), tools: [tool] });
    assert.deepEqual(last.content[0], { type: 'text', text: 'The tool said: sunny in Paris' });
  });

  it('keeps no thread, and refuses one with the error after which the SDK continues', async () => {
    const { messages, ...settings } = requestOf('one');
    await assert.rejects(client.beta.messages.thread(settings).send(messages), (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /thread_unsupported_request/);
      return true;
    });
    const thread = client.beta.messages.thread({
      ...settings,
      unsupportedRequestBehavior: 'continue_unthreaded',
    });
    await thread.send(messages);
    assert.deepEqual((await thread.send({ role: 'user', content: 'two' })).content[0], {
      type: 'text',
      text: 'You wrote: two',
    });
  });

  it('stops at a stop sequence and names it, and reports cached tokens and refusals', async () => {
    const stopped = await client.messages.create({ ...requestOf('one two three'), stop_sequences: [' two'] });
    assert.equal(stopped.stop_reason, 'stop_sequence');
    assert.equal(stopped.stop_sequence, ' two');
    const cached = requestOf('Twenty tokens of text. [[sandbox: cached_tokens=9 cache_write_tokens=4]]');
    for (const response of [
      await client.messages.create(cached),
      await client.messages.stream(cached).finalMessage(),
    ]) {
      assert.equal(response.usage.cache_read_input_tokens, 9);
      assert.equal(response.usage.cache_creation_input_tokens, 4);
      const { input_tokens } = await client.messages.countTokens({
        model: cached.model,
        messages: cached.messages,
      });
      assert.equal(response.usage.input_tokens, input_tokens - 13);
    }
    const refused = await client.messages.create(requestOf('[[sandbox: refuse]]'));
    assert.equal(refused.stop_reason, 'refusal');
  });

  it('refuses a tool result without its call, and a call without its result', async () => {
    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: 'x' };
    const use = { type: 'tool_use' as const, id: 'toolu_1', name: 'get_weather', input: {} };
    for (const messages of [
      [{ role: 'user' as const, content: [result] }],
      [
        { role: 'user' as const, content: 'x' },
        { role: 'assistant' as const, content: [use] },
        { role: 'user' as const, content: 'y' },
      ],
    ]) {
      await assert.rejects(client.messages.create({ ...requestOf(''), messages }), Anthropic.BadRequestError);
    }
  });

  it('describes one model, and reports its rate limits', async () => {
    assert.equal((await client.models.retrieve('claude-opus-5')).id, 'claude-opus-5');
    await assert.rejects(client.models.retrieve('missing'), Anthropic.NotFoundError);
    const { response } = await client.messages.create(requestOf('x')).withResponse();
    assert.equal(response.headers.get('anthropic-ratelimit-requests-remaining'), '3999');
    const limited = client.messages.create(requestOf('[[sandbox: status=429 retry_after=3]]'));
    await assert.rejects(limited, (error) => {
      assert.ok(error instanceof Anthropic.RateLimitError);
      assert.equal(error.headers?.get('retry-after'), '3');
      assert.equal(error.headers?.get('anthropic-ratelimit-tokens-remaining'), '0');
      return true;
    });
  });

  it('gets the request of the SDK again after an overload', async () => {
    const patient = client.withOptions({ maxRetries: 2 });
    const response = await patient.messages.create(
      requestOf('Once more [[sandbox: status=529 times=1 retry_after=0]]'),
    );
    assert.deepEqual(response.content, [{ type: 'text', text: 'You wrote: Once more' }]);
  });

  it('writes a sentence before it calls tools if a directive requests it', async () => {
    const call = { ...requestOf('Use get_weather [[sandbox: preface tool_calls=2]]'), tools: [WEATHER] };
    const whole = await client.messages.create(call);
    const streamed = await client.messages.stream(call).finalMessage();
    for (const { content } of [whole, streamed]) {
      assert.deepEqual(
        content.map((block) => (block.type === 'text' ? block.text : block.type)),
        ['I shall look that up.', 'tool_use', 'tool_use'],
      );
    }
  });
});
