import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string', enum: ['Paris', 'Rome'] },
        days: { type: 'integer', minimum: 3 },
      },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
} as const;

const requestOf = (content: string) => ({ model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content }] });

describe("the sandbox with OpenAI's SDK", () => {
  let sandbox: Sandbox;
  let client: OpenAI;

  before(async () => {
    sandbox = await startSandbox();
    client = new OpenAI({ baseURL: `${sandbox.url}/v1`, apiKey: 'sk-anything', maxRetries: 0 });
  });
  after(() => sandbox.close());

  it('answers a chat call with text, usage and a request id', async () => {
    const response = await client.chat.completions.create(requestOf('Good morning'));
    assert.equal(response.choices[0]?.message.content, 'You wrote: Good morning');
    assert.equal(response.choices[0]?.finish_reason, 'stop');
    assert.equal(response.usage?.prompt_tokens, 3);
    assert.equal(response.usage?.completion_tokens, 4);
    assert.match(response._request_id ?? '', /^req_[0-9a-f]{24}$/);
  });

  it('answers the same call with the same bytes, and another call with another id', async () => {
    const send = (content: string) => client.chat.completions.create(requestOf(content));
    const [first, again, other] = [await send('a'), await send('a'), await send('b')];
    assert.deepEqual(again, first);
    assert.notEqual(other.id, first.id);
  });

  it('streams the same text that it answers as a whole, with usage if requested', async () => {
    const stream = await client.chat.completions.create({
      ...requestOf('Größe ✓ of things'),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'You wrote: Größe ✓ of things');
    assert.equal(usage?.completion_tokens, 6);
  });

  it('calls the tools that the prompt names, in a stream and in a whole response', async () => {
    const call = { ...requestOf('Use get_weather please'), tools: [WEATHER] };
    const whole = await client.chat.completions.create(call);
    const streamed = await client.chat.completions.stream(call).finalChatCompletion();
    for (const response of [whole, streamed]) {
      assert.equal(response.choices[0]?.finish_reason, 'tool_calls');
      const made = response.choices[0]?.message.tool_calls?.[0];
      assert.ok(made?.type === 'function');
      assert.deepEqual(JSON.parse(made.function.arguments), { city: 'Paris', days: 3 });
    }
  });

  it('completes a tool loop of the SDK', async () => {
    const runner = client.chat.completions.runTools({
      ...requestOf('Use get_weather please'),
      tools: [
        {
          type: 'function',
          function: {
            ...WEATHER.function,
            // The SDK's parameter type is mutable.
            parameters: { ...WEATHER.function.parameters } as Record<string, unknown>,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => `sunny in ${city}`,
          },
        },
      ],
    });
    assert.equal(await runner.finalContent(), 'The tool said: sunny in Paris');
  });

  it('fills a JSON Schema', async () => {
    const response = await client.chat.completions.create({
      ...requestOf('Any city'),
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'city',
          schema: WEATHER.function.parameters as unknown as Record<string, unknown>,
        },
      },
    });
    assert.deepEqual(JSON.parse(response.choices[0]?.message.content ?? ''), { city: 'Paris', days: 3 });
  });

  it('stops at max_tokens', async () => {
    const response = await client.chat.completions.create({ ...requestOf('one two three four'), max_tokens: 3 });
    assert.equal(response.choices[0]?.finish_reason, 'length');
    assert.equal(response.usage?.completion_tokens, 3);
  });

  it('returns embeddings as unit vectors, with the same values as numbers and in base64', async () => {
    const embed = (encoding_format: 'float' | 'base64') =>
      client.embeddings.create({ model: 'e', input: ['x', 'y'], dimensions: 8, encoding_format });
    const numbers = (await embed('float')).data.map(({ embedding }) => embedding);
    const base64 = (await client.embeddings.create({ model: 'e', input: ['x', 'y'], dimensions: 8 })).data;
    assert.deepEqual(
      base64.map(({ embedding }) => embedding),
      numbers,
    );
    assert.notDeepEqual(numbers[0], numbers[1]);
    const length = Math.hypot(...(numbers[0] ?? []));
    assert.ok(Math.abs(length - 1) < 1e-6, `length ${length}`);
  });

  it('lists models', async () => {
    const models = await client.models.list();
    assert.ok(models.data.some(({ id }) => id === 'gpt-4o-mini'));
  });

  it("refuses with OpenAI's errors for a bad key, a bad request, the rate limit and overload", async () => {
    const stranger = client.withOptions({ apiKey: 'invalid' });
    await assert.rejects(stranger.chat.completions.create(requestOf('x')), OpenAI.AuthenticationError);
    await assert.rejects(client.chat.completions.create({ model: 'm', messages: [] }), OpenAI.BadRequestError);
    const limited = client.chat.completions.create(requestOf('x [[sandbox: status=429]]'));
    await assert.rejects(limited, (error) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      assert.equal(error.code, 'rate_limit_exceeded');
      assert.equal(error.headers?.get('retry-after'), '1');
      return true;
    });
    const broken = client.chat.completions.create(requestOf('x [[sandbox: status=503]]'));
    await assert.rejects(broken, OpenAI.InternalServerError);
  });

  it('returns several choices with probabilities, in a stream and in a whole response', async () => {
    const call = { ...requestOf('Größe ✓'), n: 2, logprobs: true, top_logprobs: 1 };
    const whole = await client.chat.completions.create(call);
    const streamed = await client.chat.completions.stream(call).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      assert.equal(choices.length, 2);
      const tokens = choices[1]?.logprobs?.content ?? [];
      assert.equal(tokens.map(({ token }) => token).join(''), 'You wrote: Größe ✓');
      assert.equal(Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString(), 'You wrote: Größe ✓');
    }
    assert.equal(whole.usage?.completion_tokens, 8);
  });

  it('reasons if the request demands it, within the limit, and counts cached tokens', async () => {
    const send = (more: object, directive = '') =>
      client.chat.completions.create({
        ...requestOf(`Good morning ${directive}`),
        reasoning_effort: 'low',
        ...more,
      });
    const { usage } = await send({}, '[[sandbox: cached_tokens=2]]');
    assert.equal(usage?.completion_tokens_details?.reasoning_tokens, 8);
    assert.equal(usage?.completion_tokens, 8 + 4);
    assert.equal(usage?.prompt_tokens_details?.cached_tokens, 2);
    const cut = await send({ max_completion_tokens: 5 });
    assert.equal(cut.usage?.completion_tokens, 5);
    assert.equal(cut.choices[0]?.finish_reason, 'length');
  });

  it('stops at a stop sequence, and refuses and blocks by directive', async () => {
    const choiceOf = async (content: string, more: object = {}) =>
      (await client.chat.completions.create({ ...requestOf(content), ...more })).choices[0];
    assert.equal((await choiceOf('one two', { stop: [' two'] }))?.message.content, 'You wrote: one');
    const refused = await client.chat.completions.stream(requestOf('[[sandbox: refuse]]')).finalChatCompletion();
    assert.equal(refused.choices[0]?.message.refusal, 'I cannot help with that.');
    assert.equal((await choiceOf('[[sandbox: refuse]]'))?.message.content, null);
    assert.equal((await choiceOf('[[sandbox: block]]'))?.finish_reason, 'content_filter');
  });

  it('refuses a tool message without its call, a call without its message, and numbers out of range', async () => {
    const made = { id: 'call_1', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    const send = (more: object) => client.chat.completions.create({ ...requestOf('x'), ...more } as never);
    for (const wrong of [
      { messages: [{ role: 'tool', tool_call_id: 'call_1', content: 'x' }] },
      {
        messages: [
          { role: 'assistant', tool_calls: [made] },
          { role: 'user', content: 'x' },
        ],
      },
      { temperature: 3 },
      { top_p: -1 },
      { n: 'two' },
    ]) {
      await assert.rejects(send(wrong), OpenAI.BadRequestError, JSON.stringify(wrong));
    }
  });

  it('describes one model, refuses an unknown one, and reports the rate limits', async () => {
    assert.equal((await client.models.retrieve('gpt-4o')).id, 'gpt-4o');
    await assert.rejects(client.models.retrieve('missing'), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ ...requestOf('x'), model: 'missing' }), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      return true;
    });
    const { response } = await client.chat.completions.create(requestOf('x')).withResponse();
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '9999');
  });

  it('gets the request of the SDK again after an overload', async () => {
    const patient = client.withOptions({ maxRetries: 2 });
    const content = 'Once more [[sandbox: status=503 times=2 retry_after=0]]';
    const response = await patient.chat.completions.create(requestOf(content));
    assert.equal(response.choices[0]?.message.content, 'You wrote: Once more');
  });

  it('writes a sentence before it calls tools if a directive requests it', async () => {
    const call = { ...requestOf('Use get_weather [[sandbox: preface tool_calls=2]]'), tools: [WEATHER] };
    const whole = await client.chat.completions.create(call);
    const streamed = await client.chat.completions.stream(call).finalChatCompletion();
    for (const { choices } of [whole, streamed]) {
      assert.equal(choices[0]?.message.content, 'I shall look that up.');
      assert.equal(choices[0]?.message.tool_calls?.length, 2);
    }
  });
});
