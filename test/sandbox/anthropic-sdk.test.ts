import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const WEATHER: Anthropic.Tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } },
};

const asked = (content: string) => ({
  model: 'claude-sonnet-5',
  max_tokens: 1_024,
  messages: [{ role: 'user' as const, content }],
});

describe("the sandbox as Anthropic's SDK meets it", () => {
  let sandbox: Sandbox;
  let client: Anthropic;

  before(async () => {
    sandbox = await startSandbox();
    client = new Anthropic({ baseURL: sandbox.url, apiKey: 'sk-ant-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  it('answers a message with text, usage and a request id', async () => {
    const reply = await client.messages.create(asked('Good morning'));
    assert.deepEqual(reply.content, [{ type: 'text', text: 'You wrote: Good morning' }]);
    assert.equal(reply.stop_reason, 'end_turn');
    assert.equal(reply.usage.input_tokens, 3);
    assert.equal(reply.usage.output_tokens, 4);
    assert.match(reply._request_id ?? '', /^req_/);
  });

  it('streams the same message as it answers whole', async () => {
    const whole = await client.messages.create(asked('Größe ✓ of things'));
    const streamed = await client.messages.stream(asked('Größe ✓ of things')).finalMessage();
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
    assert.equal(streamed.stop_reason, 'end_turn');
  });

  it('calls the tools that the prompt names, streamed and whole alike', async () => {
    const call = { ...asked('Use get_weather please'), tools: [WEATHER] };
    const whole = await client.messages.create(call);
    const streamed = await client.messages.stream(call).finalMessage();
    for (const reply of [whole, streamed]) {
      assert.equal(reply.stop_reason, 'tool_use');
      const [use] = reply.content;
      assert.ok(use?.type === 'tool_use');
      assert.deepEqual(use.input, { city: 'Paris' });
    }
  });

  it('fills a JSON Schema', async () => {
    const reply = await client.messages.create({
      ...asked('Any city'),
      output_config: { format: { type: 'json_schema', schema: { ...WEATHER.input_schema } } },
    });
    const [block] = reply.content;
    assert.ok(block?.type === 'text');
    assert.deepEqual(JSON.parse(block.text), { city: 'Paris' });
  });

  it('counts tokens as the usage of the call does', async () => {
    const { max_tokens: _limit, ...call } = asked('How many tokens are these?');
    const counted = await client.messages.countTokens(call);
    const reply = await client.messages.create(asked('How many tokens are these?'));
    assert.equal(counted.input_tokens, reply.usage.input_tokens);
  });

  it('lists models in its own form', async () => {
    const models = await client.models.list();
    assert.ok(models.data.some(({ id, type }) => id === 'claude-sonnet-5' && type === 'model'));
  });

  it("refuses with Anthropic's errors: bad key, bad request, rate limit, overload, an error within a stream", async () => {
    const stranger = client.withOptions({ apiKey: 'invalid' });
    await assert.rejects(stranger.messages.create(asked('x')), Anthropic.AuthenticationError);
    await assert.rejects(client.messages.create({ ...asked('x'), messages: [] }), Anthropic.BadRequestError);
    await assert.rejects(client.messages.create(asked('[[sandbox: status=429]]')), Anthropic.RateLimitError);
    await assert.rejects(
      client.messages.create(asked('[[sandbox: status=529]]')),
      Anthropic.InternalServerError,
    );
    const breaking = client.messages.stream(asked('[[sandbox: error_after=3]]'));
    await assert.rejects(breaking.finalMessage(), /Overloaded/);
  });
});
