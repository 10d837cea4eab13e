import assert from 'node:assert/strict';
import {
  ApiError,
  FunctionCallingConfigMode,
  type FunctionDeclaration,
  GoogleGenAI,
  Modality,
  Type,
} from '@google/genai';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const WEATHER: FunctionDeclaration = {
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: {
    type: Type.OBJECT,
    properties: {
      city: { type: Type.STRING, enum: ['Paris', 'Rome'] },
      days: { type: Type.INTEGER, minimum: 3 },
    },
    required: ['city', 'days'],
  },
};
const model = 'gemini-2.5-flash';

describe("the sandbox with Google's SDK", () => {
  let sandbox: Sandbox;
  let client: GoogleGenAI;
  const clientWith = (apiKey: string, attempts = 1): GoogleGenAI =>
    new GoogleGenAI({
      apiKey,
      httpOptions: { baseUrl: sandbox.url, retryOptions: { attempts, initialDelay: 0.01, maxDelay: 0.02 } },
    });

  before(async () => {
    sandbox = await startSandbox();
    client = clientWith('AIza-anything');
  });
  after(() => sandbox.close());

  const refusal = async (call: Promise<unknown>): Promise<{ status: number; error: Record<string, unknown> }> => {
    const fault = await call.then(
      () => assert.fail('it was answered'),
      (error: unknown) => error,
    );
    assert.ok(fault instanceof ApiError, String(fault));
    const { error } = JSON.parse(fault.message) as { error: Record<string, unknown> };
    return { status: fault.status, error };
  };

  it('answers with text, usage, finish reason and an id', async () => {
    const response = await client.models.generateContent({ model, contents: 'Good morning' });
    assert.equal(response.text, 'You wrote: Good morning');
    assert.equal(response.candidates?.[0]?.finishReason, 'STOP');
    assert.equal(response.usageMetadata?.promptTokenCount, 3);
    assert.equal(response.usageMetadata?.candidatesTokenCount, 4);
    assert.equal(response.usageMetadata?.totalTokenCount, 7);
    assert.equal(response.modelVersion, model);
    assert.match(response.responseId ?? '', /^[0-9a-f]{24}$/);
  });

  it('streams the same text that it answers as a whole, with growing usage', async () => {
    const stream = await client.models.generateContentStream({ model, contents: 'Größe ✓ of things' });
    let text = '';
    const totals: number[] = [];
    let finish: string | undefined;
    for await (const chunk of stream) {
      text += chunk.text ?? '';
      totals.push(chunk.usageMetadata?.totalTokenCount ?? 0);
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
    }
    assert.equal(text, 'You wrote: Größe ✓ of things');
    assert.equal(finish, 'STOP');
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => a - b),
    );
    assert.equal(totals.at(-1), 5 + 6);
  });

  it('streams one JSON list if no server-sent events are requested', async () => {
    const response = await fetch(`${sandbox.url}/v1beta/models/${model}:streamGenerateContent?key=abc`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: 'one two' }] }] }),
    });
    assert.equal(response.headers.get('content-type'), 'application/json');
    const chunks = (await response.json()) as { candidates: [{ content: { parts: [{ text: string }] } }] }[];
    assert.equal(chunks.map(({ candidates }) => candidates[0].content.parts[0].text).join(''), 'You wrote: one two');
    const refused = await fetch(`${sandbox.url}/v1beta/models/missing:streamGenerateContent?key=abc`, {
      method: 'POST',
      body: '{"contents":[{"parts":[{"text":"x"}]}]}',
    });
    assert.equal(refused.status, 404);
    assert.equal(((await refused.json()) as [{ error: { status: string } }])[0].error.status, 'NOT_FOUND');
  });

  it('calls functions, in a stream and in a whole response, and continues from their result', async () => {
    const question = { role: 'user', parts: [{ text: 'Use get_weather please' }] };
    const config = { tools: [{ functionDeclarations: [WEATHER] }] };
    const whole = await client.models.generateContent({ model, contents: [question], config });
    const [call] = whole.functionCalls ?? [];
    assert.deepEqual(call?.args, { city: 'Paris', days: 3 });
    const streamed = [];
    for await (const chunk of await client.models.generateContentStream({
      model,
      contents: [question],
      config,
    })) {
      streamed.push(...(chunk.functionCalls ?? []));
    }
    assert.deepEqual(
      streamed.map(({ name, args }) => ({ name, args })),
      [{ name: 'get_weather', args: { city: 'Paris', days: 3 } }],
    );
    const response = { id: call?.id ?? '', name: 'get_weather', response: { output: 'sunny in Paris' } };
    const next = await client.models.generateContent({
      model,
      contents: [question, whole.candidates![0]!.content!, { role: 'user', parts: [{ functionResponse: response }] }],
      config,
    });
    assert.equal(next.text, 'The tool said: sunny in Paris');
  });

  it("completes a loop of the SDK's automatic function calling", async () => {
    const response = await client.models.generateContent({
      model,
      contents: 'Use get_weather please',
      config: {
        tools: [
          {
            tool: () => Promise.resolve({ functionDeclarations: [WEATHER] }),
            callTool: (calls) =>
              Promise.resolve(
                calls.map(({ id, name, args }) => ({
                  functionResponse: {
                    ...(id === undefined ? {} : { id }),
                    name: name ?? '',
                    response: { output: `sunny in ${String(args?.city)}` },
                  },
                })),
              ),
          },
        ],
      },
    });
    assert.equal(response.text, 'The tool said: sunny in Paris');
  });

  it('obeys the mode of function calling', async () => {
    const other = { ...WEATHER, name: 'get_time' };
    const send = (mode: FunctionCallingConfigMode, allowedFunctionNames?: string[]) =>
      client.models.generateContent({
        model,
        contents: 'Use get_weather please',
        config: {
          tools: [{ functionDeclarations: [WEATHER, other] }],
          toolConfig: {
            functionCallingConfig: { mode, ...(allowedFunctionNames && { allowedFunctionNames }) },
          },
        },
      });
    assert.equal((await send(FunctionCallingConfigMode.NONE)).functionCalls, undefined);
    const only = await send(FunctionCallingConfigMode.ANY, ['get_time']);
    assert.deepEqual(
      only.functionCalls?.map(({ name }) => name),
      ['get_time'],
    );
  });

  it("fills a schema in Google's form and a JSON Schema", async () => {
    const send = (schema: object) =>
      client.models.generateContent({
        model,
        contents: 'Any city',
        config: { responseMimeType: 'application/json', ...schema },
      });
    const own = await send({ responseSchema: WEATHER.parameters });
    assert.deepEqual(JSON.parse(own.text ?? ''), { city: 'Paris', days: 3 });
    const json = await send({
      responseJsonSchema: { type: 'object', properties: { n: { const: 7 } }, additionalProperties: false },
    });
    assert.deepEqual(JSON.parse(json.text ?? ''), { n: 7 });
  });

  it('thinks if the request demands it, and shows its thoughts only if the request demands that', async () => {
    const send = (includeThoughts: boolean) =>
      client.models.generateContent({
        model,
        contents: 'Hm',
        config: { thinkingConfig: { thinkingBudget: 64, includeThoughts } },
      });
    const shown = await send(true);
    assert.equal(shown.candidates?.[0]?.content?.parts?.[0]?.thought, true);
    assert.equal(shown.text, 'You wrote: Hm');
    assert.equal(shown.usageMetadata?.thoughtsTokenCount, 8);
    const hidden = await send(false);
    assert.equal(hidden.candidates?.[0]?.content?.parts?.length, 1);
    assert.equal(hidden.usageMetadata?.thoughtsTokenCount, 8);
    assert.equal(hidden.usageMetadata?.totalTokenCount, 1 + 3 + 8);
  });

  it('stops at the limit and at a stop sequence, and returns several candidates', async () => {
    const send = (config: object) => client.models.generateContent({ model, contents: 'one two three', config });
    assert.equal((await send({ maxOutputTokens: 3 })).candidates?.[0]?.finishReason, 'MAX_TOKENS');
    assert.equal((await send({ stopSequences: [' two'] })).text, 'You wrote: one');
    assert.equal((await send({ candidateCount: 2 })).candidates?.length, 2);
  });

  it('reports unsafe content of the response and of the prompt', async () => {
    const send = (directive: string) => client.models.generateContent({ model, contents: `[[sandbox: ${directive}]]` });
    const refused = await send('refuse');
    assert.equal(refused.candidates?.[0]?.finishReason, 'SAFETY');
    assert.equal(refused.text, undefined);
    const blocked = await send('block');
    assert.equal(blocked.promptFeedback?.blockReason, 'SAFETY');
    assert.equal(blocked.candidates, undefined);
  });

  it('counts the same tokens as the usage of the call, including cached ones', async () => {
    const contents = 'How many tokens are these? [[sandbox: cached_tokens=4]]';
    const counted = await client.models.countTokens({ model, contents });
    const { usageMetadata } = await client.models.generateContent({ model, contents });
    assert.equal(counted.totalTokens, usageMetadata?.promptTokenCount);
    assert.equal(usageMetadata?.cachedContentTokenCount, 4);
  });

  it('returns embeddings, alone and in a batch', async () => {
    const config = { outputDimensionality: 8 };
    const both = await client.models.embedContent({
      model: 'gemini-embedding-001',
      contents: ['x', 'y'],
      config,
    });
    const [x, y] = (both.embeddings ?? []).map(({ values }) => values ?? []);
    assert.ok(Math.abs(Math.hypot(...x!) - 1) < 1e-6);
    assert.notDeepEqual(x, y);
    const alone = await fetch(`${sandbox.url}/v1beta/models/gemini-embedding-001:embedContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': 'abc' },
      body: JSON.stringify({ content: { parts: [{ text: 'x' }] }, output_dimensionality: 8 }),
    });
    assert.deepEqual(((await alone.json()) as { embedding: { values: number[] } }).embedding.values, x);
  });

  it('returns an image if one is requested, with the tokens that Google counts', async () => {
    const { candidates, usageMetadata } = await client.models.generateContent({
      model: 'gemini-2.5-flash-image',
      contents: 'A cat',
      config: { responseModalities: [Modality.TEXT, Modality.IMAGE] },
    });
    const image = candidates?.[0]?.content?.parts?.at(-1)?.inlineData;
    assert.equal(image?.mimeType, 'image/png');
    assert.equal(Buffer.from(image?.data ?? '', 'base64').readUInt32BE(16), 1_024);
    assert.equal(usageMetadata?.candidatesTokenCount, 4 + 1_290);
  });

  it('lists models by page, and describes one model', async () => {
    const names: string[] = [];
    for await (const each of await client.models.list({ config: { pageSize: 3 } })) names.push(each.name ?? '');
    assert.ok(names.length > 3 && names.includes(`models/${model}`), names.join());
    assert.equal((await client.models.get({ model })).name, `models/${model}`);
    assert.equal((await refusal(client.models.get({ model: 'missing' }))).status, 404);
  });

  it("refuses with Google's errors for a bad key, no key, an unknown model, an unknown field, the rate limit and overload", async () => {
    const send = (text: string, more: object = {}) => client.models.generateContent({ model, contents: text, ...more });
    const stranger = await refusal(clientWith('invalid').models.generateContent({ model, contents: 'x' }));
    assert.equal(stranger.status, 400);
    assert.equal((stranger.error.details as [{ reason: string }])[0].reason, 'API_KEY_INVALID');
    const anonymous = await fetch(`${sandbox.url}/v1beta/models`);
    assert.equal(anonymous.status, 403);
    assert.equal((await refusal(send('x', { model: 'missing' }))).error.status, 'NOT_FOUND');
    const extra = await refusal(
      send('x', { config: { httpOptions: { extraBody: { generationConfig: { best: 1 } } } } }),
    );
    assert.equal(
      extra.error.message,
      `Invalid JSON payload received. Unknown name "best" at 'generation_config': Cannot find field.`,
    );
    const limited = await refusal(send('[[sandbox: status=429 retry_after=7]]'));
    assert.equal(limited.error.status, 'RESOURCE_EXHAUSTED');
    assert.deepEqual((limited.error.details as object[]).at(-1), {
      '@type': 'type.googleapis.com/google.rpc.RetryInfo',
      retryDelay: '7s',
    });
    assert.equal((await refusal(send('[[sandbox: status=503]]'))).error.status, 'UNAVAILABLE');
  });

  it('refuses a function response without its call, unknown roles, and empty parts', async () => {
    const lone = { role: 'user', parts: [{ functionResponse: { name: 'f', response: {} } }] };
    for (const contents of [[lone], [{ role: 'tool', parts: [{ text: 'x' }] }], [{ role: 'user', parts: [{}] }]]) {
      const { status, error } = await refusal(client.models.generateContent({ model, contents }));
      assert.equal(status, 400, JSON.stringify(error));
      assert.equal(error.status, 'INVALID_ARGUMENT');
    }
  });

  it('ends a stream with an error that the SDK throws', async () => {
    const stream = await client.models.generateContentStream({
      model,
      contents: 'a b [[sandbox: error_after=2]]',
    });
    let chunks = 0;
    await assert.rejects(async () => {
      for await (const _chunk of stream) chunks += 1;
    }, /overloaded/);
    assert.equal(chunks, 2);
  });

  it('gets the request of the SDK again after an overload', async () => {
    const contents = 'Once more [[sandbox: status=503 times=2]]';
    const response = await clientWith('AIza-x', 4).models.generateContent({ model, contents });
    assert.equal(response.text, 'You wrote: Once more');
  });

  it('writes a sentence before it calls functions if a directive requests it', async () => {
    const response = await client.models.generateContent({
      model,
      contents: '[[sandbox: preface tool_calls=2]]',
      config: { tools: [{ functionDeclarations: [WEATHER] }] },
    });
    const parts = response.candidates?.[0]?.content?.parts ?? [];
    assert.equal(parts[0]?.text, 'I shall look that up.');
    assert.equal(response.functionCalls?.length, 2);
    const calls = parts.slice(1).map(({ functionCall }) => functionCall?.id);
    assert.equal(new Set(calls).size, 2);
  });
});
