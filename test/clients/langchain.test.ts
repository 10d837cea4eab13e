import assert from 'node:assert/strict';
import { ChatAnthropic } from '@langchain/anthropic';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import {
  type AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from '@langchain/google-genai';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { MODELS, PNG } from './clients-fixture.ts';

type Model = Pick<BaseChatModel, 'invoke' | 'stream' | 'withStructuredOutput'> &
  Required<Pick<BaseChatModel, 'bindTools'>>;

interface Client {
  create(address: string, apiKey: string, model: string, maxRetries?: number): Model;
  /** Usage fields that are the same in a stream. */
  readonly streamed_usage: (model: string) => readonly ('input_tokens' | 'output_tokens')[];
  /** Features that the client refuses by a model's name before it sends a request. */
  readonly lacks?: (model: string) => readonly ('images' | 'parallel')[];
}

const usageOf = ({ usage_metadata }: { readonly usage_metadata?: unknown }): UsageMetadata => {
  assert.ok(usage_metadata !== undefined);
  return usage_metadata as UsageMetadata;
};

const both = () => ['input_tokens', 'output_tokens'] as const;

/** All of its clients; only base URL and key are changed. */
const CLIENTS: Readonly<Record<string, Client>> = {
  ChatOpenAI: {
    create: (address, apiKey, model, maxRetries = 0) =>
      new ChatOpenAI({ model, apiKey, maxRetries, configuration: { baseURL: `${address}/v1` } }),
    streamed_usage: both,
  },
  'ChatOpenAI by responses': {
    create: (address, apiKey, model, maxRetries = 0) =>
      new ChatOpenAI({
        model,
        apiKey,
        maxRetries,
        configuration: { baseURL: `${address}/v1` },
        // Without storage: else it sends references to earlier items.
        useResponsesApi: true,
        zdrEnabled: true,
      }),
    streamed_usage: both,
  },
  ChatAnthropic: {
    create: (address, apiKey, model, maxRetries = 0) =>
      new ChatAnthropic({ model, apiKey, maxRetries, anthropicApiUrl: address }),
    // It reads the prompt tokens only from the first event, when OpenAI has not reported them yet. To the completion
    // tokens of Anthropic's last event, it adds those of the first.
    streamed_usage: (model) =>
      model.startsWith('gpt') ? ['output_tokens'] : model.startsWith('claude') ? ['input_tokens'] : both(),
  },
  ChatGoogleGenerativeAI: {
    create: (address, apiKey, model, maxRetries = 0) =>
      new ChatGoogleGenerativeAI({ model, apiKey, maxRetries, baseUrl: address }),
    streamed_usage: both,
    // It sends results of parallel calls separately, which Google refuses.
    lacks: (model) => (model.startsWith('gemini') ? ['parallel'] : ['images']),
  },
};

const city = z.object({ city: z.enum(['Paris']) });
const TOOLS = [
  tool(({ city }) => `Rain in ${city}.`, { name: 'get_weather', description: 'The weather.', schema: city }),
  tool(({ city }) => `Noon in ${city}.`, { name: 'get_time', description: 'The time.', schema: city }),
];

const person = z.object({ name: z.string(), age: z.number().int() });

describe('LangChain', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  for (const [name, client] of Object.entries(CLIENTS)) {
    for (const model_name of MODELS) {
      describe(`${name}, ${model_name}`, () => {
        const lacks = client.lacks?.(model_name) ?? [];
        let model: Model;
        before(() => {
          model = client.create(gateway.url, gateway.keys.api_key, model_name);
        });

        it('gets text and usage, which are the same in a stream', async () => {
          const messages = [new SystemMessage('Be kind.'), new HumanMessage('Größe ✓ of things')];
          const whole = (await model.invoke(messages)) as AIMessageChunk;
          assert.equal(whole.text, 'You wrote: Größe ✓ of things');
          const usage = usageOf(whole);
          assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0);
          let streamed: AIMessageChunk | undefined;
          let pieces = 0;
          for await (const chunk of await model.stream(messages)) {
            pieces += chunk.text === '' ? 0 : 1;
            streamed = streamed === undefined ? chunk : streamed.concat(chunk);
          }
          assert.ok(pieces > 1);
          assert.equal(streamed!.text, whole.text);
          for (const field of client.streamed_usage(model_name)) {
            assert.equal(usageOf(streamed!)[field], usage[field], field);
          }
        });

        it('calls its bound tools, whole and streamed, and sends their results', async () => {
          const bound = model.bindTools(TOOLS);
          const named = TOOLS.map(({ name }) => name).slice(0, lacks.includes('parallel') ? 1 : 2);
          const messages = new HumanMessage(`Use ${named.join(' and ')} [[sandbox: preface]]`);
          const whole = (await bound.invoke([messages])) as AIMessageChunk;
          let streamed: AIMessageChunk | undefined;
          for await (const chunk of await bound.stream([messages])) {
            const piece = chunk as AIMessageChunk;
            streamed = streamed === undefined ? piece : streamed.concat(piece);
          }
          for (const answered of [whole, streamed!]) {
            assert.deepEqual(
              answered.tool_calls!.map(({ name, args }) => [name, args]),
              named.map((name) => [name, { city: 'Paris' }]),
            );
            const results: ToolMessage[] = [];
            for (const call of answered.tool_calls!) {
              const made = TOOLS.find((each) => each.name === call.name)!;
              const content = String(await made.invoke(call.args as z.infer<typeof city>));
              results.push(new ToolMessage({ content, tool_call_id: call.id!, name: call.name }));
            }
            const last = (await bound.invoke([messages, answered, ...results])) as AIMessageChunk;
            assert.match(last.text, /^The tool said: .*Rain in Paris\./);
            assert.equal(/Noon in Paris\./.test(last.text), named.length > 1);
          }
        });

        it('returns structured output', async () => {
          const given = await model.withStructuredOutput(person, { name: 'person' }).invoke('Who?');
          assert.deepEqual(person.parse(given), given);
        });

        it('throws an error with its status', async () => {
          const refused = await model.invoke('[[sandbox: status=400]]').catch((thrown: unknown) => thrown);
          assert.equal((refused as { status?: number }).status, 400, String(refused));
        });

        if (lacks.includes('images')) return;
        it('sends images', async () => {
          const url = `data:image/png;base64,${PNG}`;
          const answer = await model.invoke([
            new HumanMessage({
              content: [
                { type: 'text', text: 'Look' },
                { type: 'image_url', image_url: { url } },
              ],
            }),
          ]);
          assert.equal(answer.text, 'You wrote: Look (images: 1)');
        });
      });
    }
  }

  it('retries after the time of Retry-After', async () => {
    const model = 'claude-haiku-4-5';
    const retry = async ([name, client]: [string, Client]): Promise<void> => {
      const patient = client.create(gateway.url, gateway.keys.api_key, model, 1);
      const answer = await patient.invoke(`${name} [[sandbox: status=429, times=1, retry_after=0]]`);
      assert.equal((answer as AIMessageChunk).text.trim(), `You wrote: ${name}`);
    };
    await Promise.all(Object.entries(CLIENTS).map(retry));
  });

  it('embeds texts with models of two protocols', async () => {
    const openai = (model: string) =>
      new OpenAIEmbeddings({
        model,
        apiKey: gateway.keys.api_key,
        configuration: { baseURL: `${gateway.url}/v1` },
      });
    const google = (model: string) =>
      new GoogleGenerativeAIEmbeddings({ model, apiKey: gateway.keys.api_key, baseUrl: gateway.url });
    for (const embeddings of [
      openai('text-embedding-3-small'),
      google('text-embedding-3-small'),
      google('gemini-embedding-001'),
      openai('gemini-embedding-001'),
    ]) {
      const [one, two] = await embeddings.embedDocuments(['one', 'two']);
      assert.ok(one!.length > 100);
      assert.equal(one!.length, two!.length);
      assert.notDeepEqual(one, two);
    }
  });
});
