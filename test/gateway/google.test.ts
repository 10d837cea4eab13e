import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema';
import OpenAI from 'openai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const MODELS = ['gemini-2.5-flash', 'gemini-3.5-flash'] as const;

const parameters = { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('a Google model', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`named ${model}, called by OpenAI's SDK,`, () => {
      const tool = (name: string): OpenAI.ChatCompletionTool => ({
        type: 'function',
        function: { name, parameters },
      });
      const requestOf = (content: string) => ({
        model,
        messages: [{ role: 'user', content }] as OpenAI.ChatCompletionMessageParam[],
      });
      const create = (fields: object = {}, content = 'Good morning') =>
        gateway.openai().chat.completions.create({ ...requestOf(content), ...fields });

      it('answers with the same text and usage whole and streamed, and the cost is recorded', async () => {
        const { data, response } = await create().withResponse();
        assert.equal(data.choices[0]!.message.content, 'You wrote: Good morning');
        assert.equal(data.choices[0]!.finish_reason, 'stop');
        assert.equal(data.model, model);
        assert.deepEqual([data.usage?.prompt_tokens, data.usage?.completion_tokens], [3, 4]);
        const call = await gateway.recorded(response.headers.get('x-request-id')!);
        assert.equal(call.provider, 'google');
        assert.equal(call.rating, 'RATED');
        assert.equal(call.usage_source, 'provider');
        const stream = gateway
          .openai()
          .chat.completions.stream({ ...requestOf('Good morning'), stream_options: { include_usage: true } });
        const streamed = await stream.finalChatCompletion();
        assert.equal(streamed.choices[0]!.message.content, 'You wrote: Good morning');
        assert.equal((await stream.totalUsage()).completion_tokens, 4);
      });

      it('completes a loop of parallel tool calls, streamed and whole', async () => {
        const client = gateway.openai();
        const call = {
          ...requestOf('Use get_weather and get_time'),
          tools: [tool('get_weather'), tool('get_time')],
        };
        const whole = await client.chat.completions.create(call);
        const streamed = await client.chat.completions.stream(call).finalChatCompletion();
        for (const { message, finish_reason } of [whole.choices[0]!, streamed.choices[0]!]) {
          assert.equal(finish_reason, 'tool_calls');
          const calls = (message.tool_calls ?? []).filter((each) => each.type === 'function');
          assert.deepEqual(
            calls.map(({ function: { name, arguments: args } }) => [name, JSON.parse(args)]),
            [
              ['get_weather', { city: 'Paris' }],
              ['get_time', { city: 'Paris' }],
            ],
          );
          const results = calls.map(({ id, function: { name } }) => ({
            role: 'tool' as const,
            tool_call_id: id,
            content: `${name} `,
          }));
          const last = await client.chat.completions.create({
            ...call,
            messages: [...call.messages, message, ...results],
          });
          assert.match(last.choices[0]!.message.content!, /^The tool said: .*get_weather.*get_time/);
        }
      });

      it('calls one tool at a time on request, although Google has no such setting', async () => {
        const fields = { tools: [tool('get_weather'), tool('get_time')], parallel_tool_calls: false };
        const whole = await create(fields, 'Use get_weather and get_time');
        const streamed = await gateway
          .openai()
          .chat.completions.stream({ ...requestOf('Use get_weather and get_time'), ...fields })
          .finalChatCompletion();
        for (const { message, finish_reason } of [whole.choices[0]!, streamed.choices[0]!]) {
          const calls = (message.tool_calls ?? []).filter((each) => each.type === 'function');
          assert.deepEqual(
            calls.map(({ function: { name } }) => name),
            ['get_weather'],
          );
          assert.equal(finish_reason, 'tool_calls');
        }
      });

      it('follows tool_choice, formats, limits, stop sequences and several choices', async () => {
        const tools = [tool('get_weather'), tool('get_time')];
        const forced = await create({
          tools,
          tool_choice: { type: 'function', function: { name: 'get_time' } },
        });
        const [call] = forced.choices[0]!.message.tool_calls!;
        assert.ok(call?.type === 'function' && call.function.name === 'get_time');
        const none = await create({ tools, tool_choice: 'none' }, 'Use get_time');
        assert.equal(none.choices[0]!.message.tool_calls, undefined);
        const schema = {
          type: 'object',
          properties: { n: { const: 'seven' } },
          required: ['n'],
          additionalProperties: false,
        };
        const json = await create({
          response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } },
        });
        assert.deepEqual(JSON.parse(json.choices[0]!.message.content!), { n: 'seven' });
        const cut = await create({ max_tokens: 3 }, 'one two three');
        assert.equal(cut.choices[0]!.finish_reason, 'length');
        const stopped = await create({ stop: ['two'] }, 'one two three');
        assert.equal(stopped.choices[0]!.message.content!.trim(), 'You wrote: one');
        const several = await create({ n: 2 });
        assert.deepEqual(
          several.choices.map(({ index }) => index),
          [0, 1],
        );
      });

      it('accepts images and audio', async () => {
        const content = [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
        ];
        const seen = await create({ messages: [{ role: 'user', content }] });
        assert.match(seen.choices[0]!.message.content!, /\(images: 1\)$/);
      });

      it('thinks with the requested effort, and the thoughts are counted', async () => {
        const { data, response } = await create({ reasoning_effort: 'low' }).withResponse();
        assert.ok(data.usage!.completion_tokens_details!.reasoning_tokens! > 0);
        const call = await gateway.recorded(response.headers.get('x-request-id')!);
        assert.equal(call.reasoning_tokens, data.usage!.completion_tokens_details!.reasoning_tokens);
      });

      it('reports refused and blocked responses as such', async () => {
        for (const directive of ['refuse', 'block']) {
          const prompt = `Hi [[sandbox: ${directive}]]`;
          const { choices } = await create({}, prompt);
          const streamed = await gateway.openai().chat.completions.stream(requestOf(prompt)).finalChatCompletion();
          for (const choice of [choices[0]!, streamed.choices[0]!]) {
            assert.equal(choice.finish_reason, 'content_filter', directive);
          }
        }
      });

      it('reports errors as OpenAI does', async () => {
        for (const [directive, kind] of [
          ['status=429', OpenAI.RateLimitError],
          ['status=404', OpenAI.NotFoundError],
          ['status=500', OpenAI.InternalServerError],
          ['garbage', OpenAI.InternalServerError],
          ['wrong_type', OpenAI.InternalServerError],
        ] as const) {
          await assert.rejects(create({}, `[[sandbox: ${directive}]]`), kind, directive);
        }
      });
    });

    describe(`named ${model}, called by Anthropic's SDK,`, () => {
      const client = (): Anthropic =>
        new Anthropic({ baseURL: gateway.url, apiKey: gateway.keys.api_key, maxRetries: 0 });
      const requestOf = (content: string) => ({
        model,
        max_tokens: 4_096,
        messages: [{ role: 'user', content }] as Anthropic.MessageParam[],
      });
      const tools: Anthropic.Tool[] = [
        { name: 'get_weather', input_schema: parameters as Anthropic.Tool.InputSchema },
        { name: 'get_time', input_schema: parameters as Anthropic.Tool.InputSchema },
      ];

      it('answers with the same text and usage, whole and streamed', async () => {
        const whole = await client().messages.create(requestOf('Good morning'));
        const streamed = await client().messages.stream(requestOf('Good morning')).finalMessage();
        for (const { content, stop_reason, usage } of [whole, streamed]) {
          assert.deepEqual(
            content.map((block) => block.type === 'text' && block.text),
            ['You wrote: Good morning'],
          );
          assert.equal(stop_reason, 'end_turn');
          assert.deepEqual([usage.input_tokens, usage.output_tokens], [3, 4]);
        }
      });

      it('completes a loop of tool calls with thinking, and gets the signed thoughts back', async () => {
        const call = {
          ...requestOf('Use get_weather and get_time'),
          tools,
          thinking: { type: 'enabled' as const, budget_tokens: 2_000 },
        };
        const whole = await client().messages.create(call);
        const streamed = await client().messages.stream(call).finalMessage();
        for (const { content, stop_reason } of [whole, streamed]) {
          assert.equal(stop_reason, 'tool_use');
          assert.ok(content.some((block) => block.type === 'thinking'));
          const uses = content.filter((block) => block.type === 'tool_use');
          assert.deepEqual(
            uses.map(({ name }) => name),
            ['get_weather', 'get_time'],
          );
          const marks = content.filter((block) => block.type === 'redacted_thinking');
          assert.match(marks[0]!.data, new RegExp(`^onevault\\.google:${uses[0]!.id}:`));
          const results = uses.map(({ id, name }) => ({
            type: 'tool_result' as const,
            tool_use_id: id,
            content: `${name} `,
          }));
          const last = await client().messages.create({
            ...call,
            messages: [...call.messages, { role: 'assistant', content }, { role: 'user', content: results }],
          });
          const text = last.content.find((block) => block.type === 'text');
          assert.match(text!.text, /^The tool said: .*get_weather.*get_time/);
        }
      });

      it("returns structured output that the SDK's helper parses", async () => {
        const schema = {
          type: 'object',
          properties: { n: { type: 'string', enum: ['seven'] } },
          required: ['n'],
          additionalProperties: false,
        } as const;
        const { parsed_output } = await client().messages.parse({
          ...requestOf('Give me JSON'),
          output_config: { format: jsonSchemaOutputFormat(schema) },
        });
        assert.deepEqual(parsed_output, { n: 'seven' });
      });

      it('counts tokens at the provider', async () => {
        const { max_tokens: _limit, ...counted } = requestOf('How many tokens are these?');
        const { data, response } = await client().messages.countTokens(counted).withResponse();
        assert.ok(data.input_tokens > 5 && data.input_tokens < 20);
        const call = await gateway.recorded(response.headers.get('request-id')!);
        assert.equal(call.route?.attempts.length, 1);
        assert.equal(call.provider, 'google');
      });

      it('ends a broken stream as Anthropic does', async () => {
        const breaking = client().messages.stream(requestOf('one two three [[sandbox: error_after=4]]'));
        await assert.rejects(breaking.finalMessage(), /The provider failed/);
      });
    });
  }

  it("embeds texts for OpenAI's SDK, and refuses another model's tokens", async () => {
    const { data, usage } = await gateway
      .openai()
      .embeddings.create({ model: 'gemini-embedding-001', input: ['one', 'two'], dimensions: 8 });
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [8, 8],
    );
    assert.ok(usage.prompt_tokens > 0);
    await assert.rejects(gateway.openai().embeddings.create({ model: 'gemini-embedding-001', input: [1, 2] }), {
      status: 400,
      param: 'input',
    });
  });
});
