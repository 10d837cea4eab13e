import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import {
  APICallError,
  embedMany,
  generateImage,
  generateObject,
  generateText,
  isStepCount,
  type LanguageModel,
  type ModelMessage,
  Output,
  RetryError,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { assertUsed, MODELS, PNG, PROVIDER_OF } from './clients-fixture.ts';

/** The SDK's provider packages; only base URL and key are changed. */
const PACKAGES: Readonly<Record<string, (address: string, apiKey: string) => (model: string) => LanguageModel>> = {
  'openai (chat)': (address, apiKey) => createOpenAI({ baseURL: `${address}/v1`, apiKey }).chat,
  'openai (responses)': (address, apiKey) => createOpenAI({ baseURL: `${address}/v1`, apiKey }),
  anthropic: (address, apiKey) => createAnthropic({ baseURL: `${address}/v1`, apiKey }),
  google: (address, apiKey) => createGoogle({ baseURL: `${address}/v1beta`, apiKey }),
};

// For OpenAI's responses, the SDK sends references to earlier items unless `store` is false.
const providerOptions = { openai: { store: false } };

const tools = {
  get_weather: tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.enum(['Paris']) }),
    execute: async ({ city }) => `Rain in ${city}.`,
  }),
  get_time: tool({
    description: 'The time in a city.',
    inputSchema: z.object({ city: z.enum(['Paris']) }),
    execute: async ({ city }) => ({ city, time: '12:00' }),
  }),
};

const person = z.object({ name: z.string(), age: z.number().int(), tags: z.array(z.string()) });

describe('the Vercel AI SDK', () => {
  let gateway: TestGateway;
  const { AI_SDK_LOG_WARNINGS: logs } = globalThis;

  before(async () => {
    // The SDK warns on the console about models that it does not know.
    globalThis.AI_SDK_LOG_WARNINGS = false;
    gateway = await startTestGateway();
  });
  after(async () => {
    globalThis.AI_SDK_LOG_WARNINGS = logs;
    await gateway.close();
  });

  for (const [name, packageOf] of Object.entries(PACKAGES)) {
    for (const model_name of MODELS) {
      describe(`${name}, ${model_name}`, () => {
        let model: LanguageModel;
        before(() => {
          model = packageOf(gateway.url, gateway.keys.api_key)(model_name);
        });

        it('generates text, and reports the recorded usage', async () => {
          const { text, usage, finishReason, response } = await generateText({
            model,
            system: 'Be kind.',
            prompt: 'Good morning',
          });
          assert.equal(text, 'You wrote: Good morning');
          assert.equal(finishReason, 'stop');
          const call = await gateway.recorded(response.headers!['x-request-id']!);
          assert.equal(call.provider, PROVIDER_OF[model_name]);
          assertUsed(call, [usage.inputTokens, usage.outputTokens]);
        });

        it('streams text, and reports the recorded usage', async () => {
          const result = streamText({ model, prompt: 'Größe ✓ of things' });
          const pieces = await Array.fromAsync(result.textStream);
          assert.equal(pieces.join(''), 'You wrote: Größe ✓ of things');
          assert.ok(pieces.length > 1);
          assert.equal(await result.finishReason, 'stop');
          const usage = await result.usage;
          const call = await gateway.recorded((await result.response).headers!['x-request-id']!);
          assert.equal(call.is_streamed, true);
          assertUsed(call, [usage.inputTokens, usage.outputTokens]);
        });

        it('completes a loop of parallel tools, whole and streamed', async () => {
          const options = {
            model,
            tools,
            providerOptions,
            stopWhen: isStepCount(4),
            prompt: 'Use get_weather and get_time [[sandbox: preface]]',
          };
          const whole = await generateText(options);
          const streamed = streamText(options);
          await streamed.consumeStream();
          for (const [steps, text] of [
            [whole.steps, whole.text],
            [await streamed.steps, await streamed.text],
          ] as const) {
            assert.equal(steps.length, 2);
            assert.deepEqual(
              steps[0]!.toolCalls.map(({ toolName, input }) => [toolName, input]),
              [
                ['get_weather', { city: 'Paris' }],
                ['get_time', { city: 'Paris' }],
              ],
            );
            assert.equal(steps[0]!.finishReason, 'tool-calls');
            assert.match(text, /Rain in Paris.*12:00/);
          }
        });

        it('continues a conversation', async () => {
          const messages: ModelMessage[] = [{ role: 'user', content: 'one' }];
          const first = await generateText({ model, messages, providerOptions });
          messages.push(...first.response.messages, { role: 'user', content: 'two' });
          const second = await generateText({ model, messages, providerOptions });
          assert.equal(second.text, 'You wrote: two');
        });

        it('generates objects by a schema', async () => {
          const { output } = await generateText({
            model,
            prompt: 'Who?',
            output: Output.object({ schema: person }),
          });
          assert.deepEqual(person.parse(output), output);
          const { object } = await generateObject({ model, prompt: 'Who?', schema: person });
          assert.deepEqual(person.parse(object), object);
          const streamed = streamText({ model, prompt: 'Who?', output: Output.object({ schema: person }) });
          await streamed.consumeStream();
          assert.deepEqual(await streamed.output, output);
        });

        it('sends images', async () => {
          const { text } = await generateText({
            model,
            messages: [
              {
                role: 'user',
                content: [
                  { type: 'text', text: 'Look' },
                  { type: 'file', data: PNG, mediaType: 'image/png' },
                ],
              },
            ],
          });
          assert.equal(text, 'You wrote: Look (images: 1)');
        });

        it('throws errors of its own class, and retries transient ones', async () => {
          const prompt = '[[sandbox: status=400]]';
          const refused = await generateText({ model, prompt }).catch((thrown: unknown) => thrown);
          assert.ok(APICallError.isInstance(refused), String(refused));
          assert.equal(refused.statusCode, 400);
          assert.equal(refused.isRetryable, false);
          assert.match(refused.message, /The provider refused the request/);

          const again = await generateText({
            model,
            prompt: `${name} [[sandbox: status=429, times=1, retry_after=0]]`,
          });
          assert.equal(again.text.trim(), `You wrote: ${name}`);

          const given_up = await generateText({
            model,
            maxRetries: 1,
            prompt: '[[sandbox: status=429, retry_after=0]]',
          }).catch((thrown: unknown) => thrown);
          assert.ok(RetryError.isInstance(given_up), String(given_up));
          assert.ok(APICallError.isInstance(given_up.lastError));
          assert.equal(given_up.lastError.statusCode, 429);
        });

        it('can abort a stream', async () => {
          const abort = new AbortController();
          const result = streamText({
            model,
            abortSignal: abort.signal,
            prompt: '[[sandbox: tokens=200 token_interval_ms=10]]',
          });
          let pieces = 0;
          for await (const part of result.fullStream) {
            if (part.type === 'text-delta' && ++pieces === 3) abort.abort();
            if (part.type === 'abort') break;
          }
          assert.ok(pieces < 200);
        });
      });
    }
  }

  it('gets an error that names the option to use if it sends references to earlier items', async () => {
    const model = PACKAGES['openai (responses)']!(gateway.url, gateway.keys.api_key)('claude-haiku-4-5');
    const messages: ModelMessage[] = [{ role: 'user', content: 'one' }];
    const first = await generateText({ model, messages });
    messages.push(...first.response.messages, { role: 'user', content: 'two' });
    await assert.rejects(generateText({ model, messages }), (thrown) => {
      assert.ok(APICallError.isInstance(thrown));
      assert.equal(thrown.statusCode, 400);
      assert.match(thrown.message, /providerOptions: \{ openai: \{ store: false \} \}.*\(input\[1\]\)/);
      return true;
    });
  });

  it('completes a loop of tools without the option, because it sends no references', async () => {
    const model = PACKAGES['openai (responses)']!(gateway.url, gateway.keys.api_key)('claude-haiku-4-5');
    const prompt = 'Use get_weather';
    const { text } = await generateText({ model, tools, stopWhen: isStepCount(4), prompt });
    assert.equal(text, 'The tool said: Rain in Paris.');
  });

  it('embeds texts with models of two protocols', async () => {
    const openai = createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.keys.api_key });
    const google = createGoogle({ baseURL: `${gateway.url}/v1beta`, apiKey: gateway.keys.api_key });
    for (const provider of [openai, google]) {
      for (const name of ['text-embedding-3-small', 'gemini-embedding-001']) {
        const model = provider.embeddingModel(name);
        const { embeddings, usage } = await embedMany({ model, values: ['one', 'two'] });
        assert.equal(embeddings.length, 2);
        assert.ok(embeddings.every((vector) => vector.length === embeddings[0]!.length && vector.length > 100));
        assert.notDeepEqual(embeddings[0], embeddings[1]);
        if (provider === openai) assert.ok(usage.tokens > 0);
      }
    }
  });

  it('generates images', async () => {
    const openai = createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.keys.api_key });
    const { image } = await generateImage({
      model: openai.image('gpt-image-1'),
      prompt: 'A vault',
      size: '1024x1024',
    });
    assert.equal(image.mediaType, 'image/png');
    assert.ok(image.uint8Array.length > 100);
  });
});
