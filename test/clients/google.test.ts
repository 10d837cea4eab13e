import assert from 'node:assert/strict';
import { ApiError, type CallableTool, GoogleGenAI } from '@google/genai';
import { z } from 'zod';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { assertUsed, MODELS, PNG } from './clients-fixture.ts';

const person = z.object({ name: z.string(), age: z.number().int() });

/** Tools that the SDK calls itself. */
const TOOLS: CallableTool = {
  tool: async () => ({
    functionDeclarations: ['get_weather', 'get_time'].map((name) => ({
      name,
      parametersJsonSchema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } },
    })),
  }),
  callTool: async (calls) =>
    calls.map(({ id, name, args }) => ({
      functionResponse: {
        ...(id === undefined ? {} : { id }),
        name: name!,
        response: { output: `${name} of ${String(args?.city)}.` },
      },
    })),
};

describe("Google's SDK", () => {
  let gateway: TestGateway;
  let client: GoogleGenAI;

  before(async () => {
    gateway = await startTestGateway();
    client = new GoogleGenAI({ apiKey: gateway.keys.api_key, httpOptions: { baseUrl: gateway.url } });
  });
  after(() => gateway.close());

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      it('continues a chat whole and streamed, with the recorded usage', async () => {
        const chat = client.chats.create({ model, config: { systemInstruction: 'Be kind.' } });
        const first = await chat.sendMessage({ message: 'one' });
        assert.equal(first.text, 'You wrote: one');
        const pieces = await Array.fromAsync(await chat.sendMessageStream({ message: 'two three' }));
        assert.equal(pieces.map(({ text }) => text ?? '').join(''), 'You wrote: two three');
        const last = pieces.at(-1)!;
        const { promptTokenCount, candidatesTokenCount } = last.usageMetadata!;
        assertUsed(await gateway.recorded(String(last.sdkHttpResponse?.headers?.['x-request-id'])), [
          promptTokenCount,
          candidatesTokenCount,
        ]);
        const third = await chat.sendMessage({ message: 'four' });
        assert.equal(third.text, 'You wrote: four');
      });

      it('completes a loop of functions itself, whole and streamed', async () => {
        const request = { model, contents: 'Use get_weather and get_time', config: { tools: [TOOLS] } };
        const whole = await client.models.generateContent(request);
        assert.match(whole.text!, /get_weather of Paris\..*get_time of Paris\./);
        const pieces = await Array.fromAsync(await client.models.generateContentStream(request));
        const parts = pieces.flatMap((piece) => piece.candidates?.[0]?.content?.parts ?? []);
        const text = parts.map((part) => part.text ?? '').join('');
        assert.match(text, /get_weather of Paris\..*get_time of Paris\./);
      });

      it('returns output by a schema', async () => {
        const { text } = await client.models.generateContent({
          model,
          contents: 'Who?',
          config: { responseMimeType: 'application/json', responseJsonSchema: z.toJSONSchema(person) },
        });
        assert.doesNotThrow(() => person.parse(JSON.parse(text!)));
      });

      it('sends images', async () => {
        const { text } = await client.models.generateContent({
          model,
          contents: ['Look', { inlineData: { mimeType: 'image/png', data: PNG } }],
        });
        assert.equal(text, 'You wrote: Look (images: 1)');
      });

      it('counts tokens', async () => {
        const { totalTokens } = await client.models.countTokens({ model, contents: 'How many are these?' });
        assert.ok(totalTokens! > 3 && totalTokens! < 20);
      });

      it('throws its error with the status, and can abort a stream', async () => {
        for (const status of [400, 404]) {
          const contents = `[[sandbox: status=${status}]]`;
          const thrown: unknown = await client.models
            .generateContent({ model, contents })
            .catch((error: unknown) => error);
          assert.ok(thrown instanceof ApiError, String(thrown));
          assert.equal(thrown.status, status);
        }
        const abort = new AbortController();
        const contents = '[[sandbox: tokens=300 token_interval_ms=10]]';
        const config = { abortSignal: abort.signal };
        const stream = await client.models.generateContentStream({ model, contents, config });
        let pieces = 0;
        await assert.rejects(async () => {
          for await (const _piece of stream) if (++pieces === 3) abort.abort();
        });
        assert.ok(pieces < 300);
      });
    });
  }

  it('embeds texts', async () => {
    for (const model of ['gemini-embedding-001', 'text-embedding-3-small']) {
      const { embeddings } = await client.models.embedContent({ model, contents: ['one', 'two'] });
      assert.equal(embeddings!.length, 2);
      assert.ok(embeddings!.every(({ values }) => values!.length > 100));
    }
  });
});
