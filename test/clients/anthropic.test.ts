import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { assertUsed, MODELS, PNG } from './clients-fixture.ts';

const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.enum(['a', 'b'])) });
const city = z.object({ city: z.enum(['Paris']) });

const TOOLS = [
  betaZodTool({
    name: 'get_weather',
    description: 'The weather of a city.',
    inputSchema: city,
    run: ({ city }) => `Rain in ${city}.`,
  }),
  betaZodTool({
    name: 'get_time',
    description: 'The time in a city.',
    inputSchema: city,
    run: ({ city }) => [{ type: 'text', text: `Noon in ${city}.` }],
  }),
];

const textOf = (content: readonly { readonly type: string; readonly text?: string }[]): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');

describe("Anthropic's SDK", () => {
  let gateway: TestGateway;
  let client: Anthropic;

  before(async () => {
    gateway = await startTestGateway();
    client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.keys.api_key });
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      const requestOf = (content: Anthropic.MessageParam['content']) => ({
        model,
        max_tokens: 1_024,
        messages: [{ role: 'user' as const, content }],
      });

      it('completes a loop of tools, whole and streamed', async () => {
        const body = {
          ...(requestOf('Use get_weather and get_time') as {
            model: string;
            max_tokens: number;
            messages: Anthropic.Beta.BetaMessageParam[];
          }),
          tools: TOOLS,
        };
        const whole = await client.beta.messages.toolRunner(body);
        assert.match(textOf(whole.content), /Rain in Paris\..*Noon in Paris\./);
        const runner = client.beta.messages.toolRunner({ ...body, stream: true });
        const turns: Anthropic.Beta.BetaMessage[] = [];
        for await (const stream of runner) turns.push(await stream.finalMessage());
        assert.deepEqual(
          turns.map(({ stop_reason }) => stop_reason),
          ['tool_use', 'end_turn'],
        );
        assert.equal(textOf(turns[1]!.content), textOf(whole.content));
      });

      it('keeps a conversation itself after the gateway reports that it stores none', async () => {
        const thread = client.beta.messages.thread({
          model,
          max_tokens: 1_024,
          unsupportedRequestBehavior: 'continue_unthreaded',
        });
        await thread.send({ role: 'user', content: 'one' });
        const second = await thread.send({ role: 'user', content: 'two' });
        assert.equal(textOf(second.content), 'You wrote: two');
        assert.equal(thread.messages.length, 4);
        assert.equal(thread.previousMessageId, null);
      });

      it('parses output by a Zod schema, whole and streamed', async () => {
        const output_config = { format: zodOutputFormat(person) };
        const { parsed_output } = await client.messages.parse({ ...requestOf('Who?'), output_config });
        assert.deepEqual(person.parse(parsed_output), parsed_output);
        const streamed = await client.messages.stream({ ...requestOf('Who?'), output_config }).finalMessage();
        assert.deepEqual(streamed.parsed_output, parsed_output);
      });

      it('emits the events of its streaming helper, and reports the recorded usage', async () => {
        const stream = client.messages.stream(requestOf('Größe ✓ of things'));
        const deltas: string[] = [];
        stream.on('text', (delta) => deltas.push(delta));
        const { usage } = await stream.finalMessage();
        assert.equal(await stream.finalText(), 'You wrote: Größe ✓ of things');
        assert.equal(deltas.join(''), await stream.finalText());
        const call = await gateway.recorded(stream.request_id!);
        assertUsed(call, [usage.input_tokens, usage.output_tokens]);
      });

      it('sends images', async () => {
        const { content } = await client.messages.create(
          requestOf([
            { type: 'text', text: 'Look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          ]),
        );
        assert.equal(textOf(content), 'You wrote: Look (images: 1)');
      });

      it('waits for the time of Retry-After before it retries', async () => {
        const started_ms = Date.now();
        const { content } = await client.messages.create(
          requestOf('again [[sandbox: status=429, times=1, retry_after=1]]'),
        );
        assert.equal(textOf(content).trim(), 'You wrote: again');
        const waited_ms = Date.now() - started_ms;
        assert.ok(waited_ms >= 950, `it waited ${waited_ms} ms`);
      });

      it('throws the class of each error, with the request id', async () => {
        const impatient = client.withOptions({ maxRetries: 0 });
        for (const [directive, kind] of [
          ['status=400', Anthropic.BadRequestError],
          ['status=404', Anthropic.NotFoundError],
          ['status=429', Anthropic.RateLimitError],
          ['status=500', Anthropic.InternalServerError],
        ] as const) {
          const thrown: unknown = await impatient.messages
            .create(requestOf(`[[sandbox: ${directive}]]`))
            .catch((error: unknown) => error);
          assert.ok(thrown instanceof kind, `${directive}: ${thrown}`);
          const call = await gateway.recorded(thrown.requestID!);
          assert.equal(call.http_status, thrown.status);
        }
      });

      it('can abort a stream', async () => {
        const stream = client.messages.stream(requestOf(`${model} [[sandbox: tokens=300 token_interval_ms=10]]`));
        stream.once('text', () => stream.abort());
        await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
      });
    });
  }

  it('gets error codes for threads, whatever omissions are allowed', async () => {
    const lenient = client.withOptions({ defaultHeaders: { 'x-onevault-unsupported-fields': 'allow' }, maxRetries: 0 });
    for (const [thread, error_code] of [
      [{ type: 'create' }, 'thread_unsupported_request'],
      [{ type: 'continue', previous_message_id: 'msg_1' }, 'thread_not_found'],
    ] as const) {
      for (const model of MODELS) {
        const thrown: unknown = await lenient.beta.messages
          .create({ model, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], thread })
          .catch((error: unknown) => error);
        assert.ok(thrown instanceof Anthropic.APIError, String(thrown));
        const body = thrown.error as { error: { details: { error_code: string } } };
        assert.equal(body.error.details.error_code, error_code);
      }
    }
  });

  it('may send its token as a bearer token too', async () => {
    const bearer = new Anthropic({ baseURL: gateway.url, apiKey: null, authToken: gateway.keys.api_key });
    const { content } = await bearer.messages.create({
      model: 'gpt-4o-mini',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    assert.equal(textOf(content), 'You wrote: Hi');
  });

  it('lists models', async () => {
    const ids = await Array.fromAsync(client.models.list(), ({ id }) => id);
    for (const model of MODELS) assert.ok(ids.includes(model));
    assert.equal((await client.models.retrieve('claude-haiku-4-5')).id, 'claude-haiku-4-5');
  });
});
