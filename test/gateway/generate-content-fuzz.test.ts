import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRORS } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import type { ClientResponse } from '../support/http.ts';
import { SEED, sample } from './bodies-fixture.ts';

const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, '', '\0', '\ud800', '__proto__', 'constructor', [], {}),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Mostly valid values, sometimes others. */
const mostly = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: strange });

const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [] });

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    'use f',
    '[[sandbox: status=500]]',
    '[[sandbox: garbage]]',
    '[[sandbox: wrong_type]]',
    '[[sandbox: tokens=0]]',
    '[[sandbox: cut_after=2]]',
    '[[sandbox: error_after=2]]',
    '[[sandbox: refuse]]',
    '[[sandbox: block]]',
    '<|endoftext|>',
  ),
);

const media = fc.record({
  mimeType: mostly(fc.constantFrom('image/png', 'application/pdf', 'text/plain', 'audio/wav', 'video/mp4')),
  data: mostly(fc.constant('AAAA')),
});
const part = fc.oneof(
  fc.record({ text: mostly(text) }),
  fc.record({ inlineData: mostly(media) }),
  fc.record({ inline_data: mostly(media) }),
  fc.record({
    fileData: mostly(
      some({ fileUri: mostly(fc.constant('https://x.y/a.png')), mimeType: mostly(fc.constant('image/png')) }),
    ),
  }),
  some({
    functionCall: mostly(some({ id: mostly(fc.constant('1')), name: mostly(fc.constant('f')), args: strange })),
    thoughtSignature: mostly(fc.constantFrom('AAAA', 'W10=', 'WzFd')),
    thought: mostly(fc.boolean()),
  }),
  fc.record({
    functionResponse: mostly(
      some({
        name: mostly(fc.constant('f')),
        response: mostly(fc.constantFrom({ output: 'x' }, { error: { a: 1 } })),
        parts: mostly(fc.array(fc.record({ inlineData: mostly(media) }), { maxLength: 1 })),
      }),
    ),
  }),
  fc.record({ executableCode: strange, videoMetadata: strange }),
);
const content = some({
  role: mostly(fc.constantFrom('user', 'model')),
  parts: mostly(fc.array(mostly(part), { minLength: 1, maxLength: 3 })),
});

const schema = mostly(
  some({
    type: fc.constantFrom('OBJECT', 'string'),
    nullable: fc.boolean(),
    properties: mostly(fc.constant({ a: { type: 'STRING' } })),
    maxItems: fc.constantFrom('3', 3),
    propertyOrdering: strange,
  }),
);

const config = some({
  temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
  topP: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
  topK: mostly(fc.nat(40)),
  candidateCount: mostly(fc.integer({ min: 1, max: 2 })),
  maxOutputTokens: mostly(fc.integer({ min: 1, max: 50 })),
  stopSequences: mostly(fc.array(text, { maxLength: 2 })),
  responseMimeType: mostly(fc.constantFrom('text/plain', 'application/json')),
  responseSchema: schema,
  responseJsonSchema: schema,
  thinkingConfig: mostly(
    some({
      includeThoughts: mostly(fc.boolean()),
      thinkingBudget: mostly(fc.integer({ min: -1, max: 4_000 })),
      thinkingLevel: mostly(fc.constantFrom('LOW', 'high')),
    }),
  ),
});

const anything = fc.record(
  {
    contents: mostly(fc.array(mostly(content), { minLength: 1, maxLength: 4 })),
    systemInstruction: mostly(fc.constantFrom({ parts: { text: 'Be kind.' } }, { parts: [] })),
    tools: mostly(
      fc.array(
        mostly(
          some({
            functionDeclarations: mostly(
              fc.array(mostly(some({ name: mostly(fc.constant('f')), parameters: schema })), {
                maxLength: 2,
              }),
            ),
            googleSearch: fc.constant({}),
          }),
        ),
        { maxLength: 1 },
      ),
    ),
    toolConfig: mostly(
      fc.record({
        functionCallingConfig: mostly(
          some({
            mode: mostly(fc.constantFrom('AUTO', 'ANY', 'NONE', 'VALIDATED')),
            allowedFunctionNames: mostly(fc.constantFrom(['f'], ['f', 'g'], [])),
          }),
        ),
      }),
    ),
    safetySettings: mostly(fc.array(some({ threshold: fc.constantFrom('OFF', 'BLOCK_ALL') }), { maxLength: 1 })),
    generationConfig: mostly(config),
    x_unknown: strange,
  },
  { requiredKeys: ['contents'] },
);

/** A short call with all sampling parameters; most of these calls succeed. */
const short = fc.record({
  contents: fc.array(fc.record({ parts: fc.array(fc.record({ text: fc.constant('Hi') }), { minLength: 1 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
  generationConfig: config,
});
const generate = fc.oneof({ weight: 3, arbitrary: anything }, { weight: 1, arbitrary: short });

const embedding = (model: string) =>
  fc.record({
    model: mostly(fc.constant(`models/${model}`)),
    content: mostly(
      fc.record({
        parts: mostly(fc.array(fc.oneof(part, fc.record({ text: mostly(text) })), { minLength: 1, maxLength: 2 })),
      }),
    ),
    outputDimensionality: mostly(fc.integer({ min: 1, max: 8 })),
  });

const RUNS = 100;
describe("any body that resembles Google's schema", () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ limits: { headers_timeout_ms: 1_000, idle_timeout_ms: 1_000 } });
  });
  after(() => gateway.close());

  /** Sends all bodies, several at a time. Asserts that the vault holds each call once, without an internal error. */
  const assertServed = async (path: string, bodies: readonly unknown[]): Promise<void> => {
    const client_responses: ClientResponse[] = [];
    const queue = bodies.map((body) => JSON.stringify(body));
    const worker = async (): Promise<void> => {
      for (let body = queue.pop(); body !== undefined; body = queue.pop()) {
        const headers = { 'x-goog-api-key': gateway.keys.api_key, 'x-onevault-unsupported-fields': 'allow' };
        const client_response = await gateway.send({ method: 'POST', path, headers, body });
        assert.notEqual(client_response.status, 500, body);
        if (client_response.status !== 200) {
          // A stream without alt=sse is a list, also for an error.
          const [{ error }] = [client_response.json].flat() as [{ error: { details: { reason: string }[] } }];
          assert.ok(error.details[0]!.reason.toLowerCase() in ERRORS, client_response.text);
        }
        client_responses.push(client_response);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    await gateway.drain();
    const rows = await gateway.database.sql<{ id: string; http_status: number; error_code: string | null }[]>`
      select h.api_request_bk as id, s.http_status, s.error_code
      from gateway.api_request_s s
      join gateway.api_request_h h using (api_request_hk)
      where h.api_request_bk = any(${client_responses.map(({ request_id }) => request_id)})`;
    const status_by_id = new Map(rows.map(({ id, http_status }) => [id, http_status]));
    assert.equal(rows.length, bodies.length, 'exactly one row a call');
    for (const { request_id, status } of client_responses) assert.equal(status_by_id.get(request_id), status);
    assert.ok(rows.every(({ error_code }) => error_code !== 'internal_error'));
    assert.ok(
      rows.some(({ http_status }) => http_status === 200),
      `some of them are valid, by the seed ${SEED}`,
    );
    const [{ errors }] = await gateway.database.sql<[{ errors: number }]>`
      select count(*) as errors from ops.load_error`;
    assert.equal(errors, 0, 'the vault accepts every record');
  };

  for (const model of ['gpt-4o-mini', 'claude-haiku-4-5', 'gemini-3.5-flash']) {
    for (const method of ['generateContent', 'streamGenerateContent', 'streamGenerateContent?alt=sse']) {
      it(`is answered, never with 500, and recorded once: ${method} of ${model}`, async () => {
        await assertServed(`/v1beta/models/${model}:${method}`, sample(generate, RUNS));
      });
    }
  }

  it('is answered, never with 500, and recorded once: countTokens, of contents or a whole request', async () => {
    const whole = generate.map((generateContentRequest) => ({ generateContentRequest }));
    const bodies = sample(fc.oneof(generate, whole), RUNS);
    for (const model of ['gpt-4o-mini', 'gemini-2.5-flash']) {
      await assertServed(`/v1beta/models/${model}:countTokens`, bodies);
    }
  });

  it('is answered, never with 500, and recorded once: embeddings', async () => {
    for (const model of ['text-embedding-3-small', 'gemini-embedding-001']) {
      const embed = embedding(model);
      const batch = fc.record({ requests: mostly(fc.array(mostly(embed), { minLength: 1, maxLength: 2 })) });
      await assertServed(`/v1beta/models/${model}:embedContent`, sample(embed, RUNS));
      await assertServed(`/v1beta/models/${model}:batchEmbedContents`, sample(batch, RUNS));
    }
  });
});
