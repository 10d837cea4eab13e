import assert from 'node:assert/strict';
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, type Part } from '@google/genai';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { ClientResponse } from '../support/http.ts';

const MODELS = ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-2.5-flash', 'gemini-3.5-flash'] as const;

const PROVIDERS: Readonly<Record<string, string>> = { gpt: 'openai', claude: 'anthropic', gemini: 'google' };
const providerOf = (model: string): string => PROVIDERS[model.split('-')[0]!]!;

const declared = (name: string) => ({
  name,
  parametersJsonSchema: { type: 'object', properties: { city: { type: 'string', enum: ['Paris'] } } },
});

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('POST /v1beta/models/{model}:generateContent', () => {
  let gateway: TestGateway;
  let client: GoogleGenAI;

  const clientWith = (apiKey: string): GoogleGenAI =>
    new GoogleGenAI({ apiKey, httpOptions: { baseUrl: gateway.url, retryOptions: { attempts: 1 } } });

  before(async () => {
    gateway = await startTestGateway();
    client = clientWith(gateway.keys.api_key);
  });
  after(() => gateway.close());

  const send = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<ClientResponse> =>
    gateway.send({
      method: 'POST',
      path,
      headers: { 'x-goog-api-key': gateway.keys.api_key, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  for (const model of MODELS) {
    describe(`with ${model}`, () => {
      it("answers Google's SDK with text, usage and an id, and records the call with its cost", async () => {
        const client_response = await client.models.generateContent({ model, contents: 'Good morning' });
        assert.equal(client_response.text, 'You wrote: Good morning');
        assert.equal(client_response.candidates?.[0]?.finishReason, 'STOP');
        assert.equal(client_response.usageMetadata?.promptTokenCount, 3);
        assert.equal(client_response.usageMetadata?.candidatesTokenCount, 4);
        assert.equal(client_response.usageMetadata?.totalTokenCount, 7);
        assert.ok(client_response.responseId);
        const call = await gateway.recorded(String(client_response.sdkHttpResponse?.headers?.['x-request-id']));
        assert.equal(call.endpoint, '/v1beta/models/{model}:generateContent');
        assert.equal(call.provider, providerOf(model));
        assert.equal(call.usage_source, 'provider');
        assert.deepEqual([call.prompt_tokens, call.completion_tokens], [3, 4]);
        assert.equal(call.rating, 'RATED');
        assert.ok(BigInt(call.customer_cost!) > 0n);
      });

      it('streams the same text as the whole response, and records the same usage', async () => {
        const request = { model, contents: 'Größe ✓ of things' };
        const whole = await client.models.generateContent(request);
        const pieces = await Array.fromAsync(await client.models.generateContentStream(request));
        assert.ok(pieces.length > 2);
        assert.equal(pieces.map(({ text }) => text ?? '').join(''), whole.text);
        const last = pieces.at(-1)!;
        assert.equal(last.candidates?.[0]?.finishReason, 'STOP');
        assert.equal(last.usageMetadata?.candidatesTokenCount, whole.usageMetadata?.candidatesTokenCount);
        const call = await gateway.recorded(String(last.sdkHttpResponse?.headers?.['x-request-id']));
        assert.equal(call.is_streamed, true);
        assert.equal(call.usage_source, 'provider');
        assert.equal(call.completion_tokens, whole.usageMetadata?.candidatesTokenCount);
      });

      it('completes a loop of parallel function calls, streamed and whole', async () => {
        const config = {
          systemInstruction: 'Be kind.',
          tools: [{ functionDeclarations: [declared('get_weather'), declared('get_time')] }],
        };
        const prompt = { role: 'user', parts: [{ text: 'Use get_weather and get_time' }] };
        const whole = await client.models.generateContent({ model, contents: [prompt], config });
        const streamed = await Array.fromAsync(
          await client.models.generateContentStream({ model, contents: [prompt], config }),
        );
        for (const client_responses of [[whole], streamed]) {
          const parts = client_responses.flatMap(
            (client_response) => client_response.candidates?.[0]?.content?.parts ?? [],
          );
          const calls = parts.filter(({ functionCall }) => functionCall !== undefined);
          assert.deepEqual(
            calls.map(({ functionCall }) => ({ name: functionCall?.name, args: functionCall?.args })),
            [
              { name: 'get_weather', args: { city: 'Paris' } },
              { name: 'get_time', args: { city: 'Paris' } },
            ],
          );
          for (const with_ids of [true, false]) {
            const results: Part[] = calls.map(({ functionCall }) => ({
              functionResponse: {
                ...(with_ids && functionCall?.id !== undefined ? { id: functionCall.id } : {}),
                name: functionCall!.name!,
                response: { output: `${functionCall!.name} ` },
              },
            }));
            const last = await client.models.generateContent({
              model,
              config,
              contents: [prompt, { role: 'model', parts: calls }, { role: 'user', parts: results }],
            });
            assert.match(last.text ?? '', /^The tool said: .*get_weather.*get_time/);
          }
        }
      });

      it('calls the function that the client requires', async () => {
        const client_response = await client.models.generateContent({
          model,
          contents: 'Hi',
          config: {
            tools: [{ functionDeclarations: [declared('get_weather'), declared('get_time')] }],
            toolConfig: {
              functionCallingConfig: {
                mode: FunctionCallingConfigMode.ANY,
                allowedFunctionNames: ['get_time'],
              },
            },
          },
        });
        assert.deepEqual(
          client_response.functionCalls?.map(({ name }) => name),
          ['get_time'],
        );
      });

      it('returns structured output for either kind of schema', async () => {
        for (const schema of [
          {
            responseSchema: {
              type: 'OBJECT',
              properties: { n: { type: 'STRING', enum: ['seven'] } },
              required: ['n'],
            },
          },
          {
            responseJsonSchema: {
              type: 'object',
              properties: { n: { type: 'string', enum: ['seven'] } },
              required: ['n'],
              additionalProperties: false,
            },
          },
        ]) {
          const client_response = await send(`/v1beta/models/${model}:generateContent`, {
            contents: [{ parts: [{ text: 'Give me JSON' }] }],
            generationConfig: { responseMimeType: 'application/json', ...schema },
          });
          assert.equal(client_response.status, 200, client_response.text);
          const { candidates } = client_response.json as { candidates: { content: { parts: { text: string }[] } }[] };
          assert.deepEqual(JSON.parse(candidates[0]!.content.parts.map(({ text }) => text).join('')), {
            n: 'seven',
          });
        }
      });

      it('accepts images and documents', async () => {
        const client_response = await client.models.generateContent({
          model,
          contents: [
            { inlineData: { mimeType: 'image/png', data: PNG } },
            { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } },
            { text: 'Look' },
          ],
        });
        assert.match(client_response.text ?? '', /^You wrote: Look \(images: 1\)$/);
      });

      it('limits the output tokens, and reports the limit as finish reason', async () => {
        const client_response = await client.models.generateContent({
          model,
          contents: 'one two three four five',
          config: { maxOutputTokens: 3 },
        });
        assert.equal(client_response.candidates?.[0]?.finishReason, 'MAX_TOKENS');
        assert.equal(client_response.text?.trim(), 'You wrote: one');
      });

      it('counts tokens without cost, and records the call', async () => {
        const contents = 'How many tokens are these?';
        const counted = await client.models.countTokens({ model, contents });
        assert.ok(counted.totalTokens! > 5 && counted.totalTokens! < 20, String(counted.totalTokens));
        const call = await gateway.recorded(String(counted.sdkHttpResponse?.headers?.['x-request-id']));
        assert.equal(call.endpoint, '/v1beta/models/{model}:countTokens');
        assert.equal(call.customer_cost, '0');
        assert.equal(call.route?.attempts.length, model.startsWith('gpt') ? 0 : 1);
      });

      it("continues a chat of Google's SDK", async () => {
        const chat = client.chats.create({ model });
        assert.equal((await chat.sendMessage({ message: 'one' })).text, 'You wrote: one');
        const streamed = await Array.fromAsync(await chat.sendMessageStream({ message: 'two' }));
        assert.equal(streamed.map(({ text }) => text ?? '').join(''), 'You wrote: two');
        assert.equal((await chat.sendMessage({ message: 'three' })).text, 'You wrote: three');
      });

      it("reports errors in Google's format, whole and streamed", async () => {
        for (const [directive, status, word, reason] of [
          ['status=429', 429, 'RESOURCE_EXHAUSTED', 'PROVIDER_RATE_LIMITED'],
          ['status=404', 404, 'NOT_FOUND', 'PROVIDER_REJECTED'],
          ['status=500', 502, 'UNAVAILABLE', 'PROVIDER_ERROR'],
        ] as const) {
          const thrown = await client.models
            .generateContent({ model, contents: `[[sandbox: ${directive}]]` })
            .catch((error: unknown) => error);
          assert.ok(thrown instanceof ApiError, String(thrown));
          assert.equal(thrown.status, status);
          const { error } = JSON.parse(thrown.message) as {
            error: { code: number; status: string; details: { reason: string }[] };
          };
          assert.deepEqual([error.code, error.status, error.details[0]?.reason], [status, word, reason]);
        }
        const breaking = await client.models.generateContentStream({
          model,
          contents: 'one two three four [[sandbox: error_after=5, token_interval_ms=10]]',
        });
        await assert.rejects(Array.fromAsync(breaking), /PROVIDER_/);
        const contents = [{ parts: [{ text: 'one two three four [[sandbox: cut_after=4]]' }] }];
        const sse = await send(`/v1beta/models/${model}:streamGenerateContent?alt=sse`, { contents });
        const last = sse.text
          .trim()
          .split(/\r?\n\r?\n/)
          .at(-1)!;
        assert.match(last, /^data: \{"error":\{"code":502,.*"PROVIDER_DISCONNECTED"/);
        const list = await send(`/v1beta/models/${model}:streamGenerateContent`, { contents });
        const items = JSON.parse(list.text) as { error?: { code: number } }[];
        assert.ok(items.length > 1);
        assert.equal(items.at(-1)?.error?.code, 502);
      });

      it('streams a list without alt=sse', async () => {
        const contents = [{ parts: [{ text: 'one two' }] }];
        const client_response = await send(`/v1beta/models/${model}:streamGenerateContent`, { contents });
        assert.equal(client_response.status, 200);
        assert.match(String(client_response.headers['content-type']), /^application\/json/);
        const items = JSON.parse(client_response.text) as {
          candidates: { content: { parts: { text: string }[] }; finishReason?: string }[];
        }[];
        assert.ok(items.length > 2);
        const text = items.flatMap(({ candidates }) => candidates[0]!.content.parts.map((part) => part.text));
        assert.equal(text.join(''), 'You wrote: one two');
        assert.equal(items.at(-1)!.candidates[0]!.finishReason, 'STOP');
      });
    });
  }

  for (const model of ['text-embedding-3-small', 'gemini-embedding-001']) {
    it(`embeds one or several texts with ${model}`, async () => {
      const many = await client.models.embedContent({
        model,
        contents: ['one', 'two'],
        config: { outputDimensionality: 8 },
      });
      assert.deepEqual(
        many.embeddings?.map(({ values }) => values?.length),
        [8, 8],
      );
      const one = await send(`/v1beta/models/${model}:embedContent`, {
        content: { parts: [{ text: 'one' }] },
        outputDimensionality: 8,
      });
      assert.equal(one.status, 200, one.text);
      const { embedding } = one.json as { embedding: { values: number[] } };
      assert.deepEqual(embedding.values, many.embeddings?.[0]?.values);
      const call = await gateway.recorded(one.request_id);
      assert.equal(call.endpoint, '/v1beta/models/{model}:embedContent');
      assert.equal(call.rating, 'RATED');
      assert.ok(call.prompt_tokens! > 0);
    });
  }

  it('returns the thoughts of another provider on request, and sends them back to it', async () => {
    const model = 'claude-haiku-4-5';
    const config = {
      thinkingConfig: { includeThoughts: true, thinkingBudget: 2_000 },
      maxOutputTokens: 4_000,
      tools: [{ functionDeclarations: [declared('get_time')] }],
    };
    const prompt = { role: 'user', parts: [{ text: 'Use get_time' }] };
    const client_response = await client.models.generateContent({ model, contents: [prompt], config });
    const { content } = client_response.candidates![0]!;
    assert.ok(content!.parts!.some(({ thought }) => thought === true));
    const call = content!.parts!.find(({ functionCall }) => functionCall !== undefined)!;
    assert.ok(call.thoughtSignature);
    const last = await client.models.generateContent({
      model,
      config,
      contents: [
        prompt,
        content!,
        { role: 'user', parts: [{ functionResponse: { name: 'get_time', response: { output: 'noon' } } }] },
      ],
    });
    assert.match(last.text ?? '', /noon/);
  });

  it('accepts a key in the query, and each field by its other name', async () => {
    const { api_key } = gateway.keys;
    const client_response = await gateway.send({
      method: 'POST',
      path: `/v1beta/models/gpt-4o-mini:generateContent?key=${api_key}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        system_instruction: { parts: { text: 'Be kind.' } },
        contents: { parts: { text: 'one two three' } },
        generation_config: { max_output_tokens: 3 },
      }),
    });
    assert.equal(client_response.status, 200, client_response.text);
    assert.match(client_response.text, /"finishReason":"MAX_TOKENS"/);
    const other_path = await gateway.send({
      method: 'POST',
      path: `/v1/chat/completions?key=${api_key}`,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(other_path.status, 401, 'other paths accept no key in the URL');
  });

  it('refuses an unknown key, an unknown model and an invalid body, and names the field', async () => {
    const thrownBy = async (sent: Promise<unknown>): Promise<ApiError> => {
      const error = await sent.catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ApiError, String(error));
      return error;
    };
    const stranger = clientWith('sk_nobody').models.generateContent({ model: 'gpt-4o-mini', contents: 'x' });
    assert.equal((await thrownBy(stranger)).status, 401);
    const unknown = client.models.generateContent({ model: 'no-such-model', contents: 'x' });
    assert.equal((await thrownBy(unknown)).status, 404);
    const hello = [{ parts: [{ text: 'x' }] }];
    const response = { functionResponse: { name: 'f', response: {} } };
    const wrong: readonly (readonly [unknown, string | undefined])[] = [
      [7, undefined],
      [{}, 'contents'],
      [{ contents: [] }, 'contents'],
      [{ contents: 'x' }, 'contents'],
      [{ contents: [{ role: 'robot', parts: [] }] }, 'contents[0].role'],
      [{ contents: [{ parts: [{ text: 7 }] }] }, 'contents[0].parts[0].text'],
      [{ contents: [{ parts: [response] }] }, 'contents[0].parts[0].functionResponse.name'],
      [{ contents: hello, generationConfig: { temperature: 3 } }, 'generationConfig.temperature'],
      [{ contents: hello, generationConfig: {}, generation_config: {} }, 'generationConfig'],
      [
        { contents: hello, generationConfig: { maxOutputTokens: 1, max_output_tokens: 9 } },
        'generationConfig.maxOutputTokens',
      ],
      [{ contents: hello, tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    ];
    for (const model of ['gpt-4o-mini', 'gemini-2.5-flash']) {
      for (const [body, field] of wrong) {
        const client_response = await send(`/v1beta/models/${model}:generateContent`, body);
        assert.equal(client_response.status, 400, client_response.text);
        const { error } = client_response.json as {
          error: { status: string; details: { reason?: string; fieldViolations?: { field: string }[] }[] };
        };
        assert.equal(error.status, 'INVALID_ARGUMENT');
        assert.equal(error.details[0]?.reason, 'INVALID_REQUEST');
        assert.equal(error.details[1]?.fieldViolations?.[0]?.field, field, client_response.text);
      }
    }
  });

  it('lists the models in pages, and returns one by its name', async () => {
    const names: string[] = [];
    for await (const { name } of await client.models.list({ config: { pageSize: 5 } })) names.push(name!);
    assert.ok(names.length > 12);
    assert.equal(new Set(names).size, names.length);
    for (const model of MODELS) assert.ok(names.includes(`models/${model}`), model);
    const one = await client.models.get({ model: 'gemini-2.5-flash' });
    assert.equal(one.name, 'models/gemini-2.5-flash');
    assert.equal(one.inputTokenLimit, 1_048_576);
    assert.ok(one.supportedActions?.includes('generateContent'));
    await assert.rejects(client.models.get({ model: 'no-such-model' }), { status: 404 });
    await assert.rejects(clientWith('sk_nobody').models.list(), { status: 401 });
    const unserved = await send('/v1beta/models/gemini-2.5-flash:predict', {});
    assert.equal(unserved.status, 404);
    assert.match(unserved.text, /"status":"NOT_FOUND".*"reason":"NOT_FOUND"/);
    const wrong = await gateway.send({
      method: 'GET',
      path: `/v1beta/models?pageSize=x&key=${gateway.keys.api_key}`,
    });
    assert.equal(wrong.status, 400);
  });
});
