import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

const HEADERS = {
  authorization: 'Bearer x',
  'x-api-key': 'x',
  'x-goog-api-key': 'x',
  'anthropic-version': '2023-06-01',
};

const text = fc.constantFrom('Hi', 'call f', '', '[[sandbox: tokens=2]]', '[[sandbox: tool_calls=2]]', 'ü✓');
const junk = fc.jsonValue({ maxDepth: 2 });
const schema = fc.constantFrom({ type: 'object' }, { type: 'OBJECT', properties: { a: { type: 'STRING' } } }, {}, true);
const part = fc.oneof(
  fc.record({
    type: fc.constantFrom('text', 'input_text', 'thinking', 'tool_use', 'tool_result', 'nothing'),
    text,
  }),
  fc.record({ text }),
  fc.record({ functionResponse: fc.record({ name: text, response: junk }) }),
  fc.record({ type: fc.constant('image_url'), image_url: junk }),
  junk,
);
const message = fc.oneof(
  fc.record(
    {
      role: fc.constantFrom('user', 'assistant', 'system', 'tool', 'model'),
      content: fc.oneof(text, fc.array(part, { maxLength: 3 }), junk),
      parts: fc.oneof(fc.array(part, { maxLength: 3 }), junk),
      tool_calls: fc.oneof(fc.constant([]), junk),
    },
    { requiredKeys: [] },
  ),
  junk,
);
const tool = fc.oneof(
  fc.record({ type: fc.constant('function'), name: fc.constant('f'), parameters: schema }),
  fc.record({
    type: fc.constant('function'),
    function: fc.record({ name: fc.constant('f'), parameters: schema }),
  }),
  fc.record({ name: fc.constant('f'), input_schema: schema }),
  fc.record({ functionDeclarations: fc.array(fc.record({ name: fc.constant('f'), parameters: schema })) }),
  junk,
);
const messages = fc.oneof(fc.array(message, { maxLength: 3 }), text, junk);

const mostly = <T, U>(sound: fc.Arbitrary<T>, other: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ arbitrary: sound, weight: 9 }, { arbitrary: other, weight: 1 });
const chat = fc.constant([{ role: 'user', content: 'call f' }]);
const contents = fc.constant([{ role: 'user', parts: [{ text: 'call f' }] }]);

/** Fields of every endpoint, mostly with a type that one of them accepts. */
const body = fc.record(
  {
    model: mostly(fc.constant('m'), fc.oneof(fc.constantFrom('missing', 'dall-e-3'), junk)),
    messages: mostly(chat, messages),
    contents: mostly(contents, messages),
    input: mostly(fc.constant('call f'), messages),
    prompt: mostly(text, junk),
    content: mostly(fc.constant({ parts: [{ text: 'x' }] }), message),
    requests: mostly(fc.constant([{ model: 'models/m', content: { parts: [{ text: 'x' }] } }]), fc.array(message)),
    max_tokens: mostly(fc.integer({ min: -1, max: 99 }), junk),
    stream: mostly(fc.boolean(), junk),
    n: mostly(fc.integer({ min: -1, max: 4 }), junk),
    size: mostly(fc.constantFrom('64x64', '0x1', 'x'), junk),
    tools: mostly(fc.oneof(fc.array(tool, { maxLength: 2 })), junk),
    tool_choice: mostly(fc.constantFrom('auto', 'none', 'required', { type: 'any' }), junk),
    thinking: mostly(fc.constantFrom({ type: 'adaptive' }, { type: 'enabled', budget_tokens: 7 }), junk),
    reasoning: mostly(fc.constantFrom({ effort: 'low', summary: 'auto' }), junk),
    text: mostly(fc.constantFrom({ format: { type: 'json_object' } }), junk),
    response_format: fc.oneof(
      fc.record({ type: fc.constant('json_schema'), json_schema: fc.record({ schema }) }),
      junk,
    ),
    logprobs: mostly(fc.boolean(), junk),
    stop: mostly(fc.oneof(text, fc.array(text)), junk),
    generationConfig: fc.oneof(
      fc.record({ responseMimeType: fc.constant('application/json'), responseSchema: schema }),
      fc.record({ candidateCount: junk, stopSequences: junk }),
      junk,
    ),
    system: junk,
    metadata: junk,
    dimensions: junk,
  },
  { requiredKeys: ['model', 'messages', 'contents', 'content', 'input', 'prompt', 'requests', 'max_tokens'] },
);

const GENERATE = ['contents', 'tools', 'generationConfig'];
/** Each path, with the only fields that it accepts. */
const PATHS: readonly (readonly [string, readonly string[] | null])[] = [
  ['/v1/chat/completions', null],
  ['/v1/responses', null],
  ['/v1/embeddings', ['model', 'input', 'stream']],
  ['/v1/images/generations', null],
  ['/v1/messages', null],
  ['/v1/messages/count_tokens', null],
  ['/v1beta/models/m:generateContent', GENERATE],
  ['/v1beta/models/m:streamGenerateContent', GENERATE],
  ['/v1beta/models/m:countTokens', GENERATE],
  ['/v1beta/models/m:embedContent', ['content']],
  ['/v1beta/models/m:batchEmbedContents', ['requests']],
];
const RUNS = 200;

describe('any body sent to the sandbox', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox();
  });
  after(() => sandbox.close());

  for (const [path, names] of PATHS) {
    it(`is answered or refused at ${path}, and never causes a fault of the sandbox`, async () => {
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(body, async (given) => {
          const fields = Object.entries(given).filter(([name]) => names?.includes(name) ?? true);
          const response = await fetch(sandbox.url + path, {
            method: 'POST',
            headers: HEADERS,
            body: JSON.stringify(Object.fromEntries(fields)),
          });
          statuses.add(response.status);
          const userMessage = await response.text();
          assert.ok(response.status < 500, userMessage);
        }),
        { numRuns: RUNS },
      );
      assert.ok(statuses.has(400) && statuses.has(200), [...statuses].join());
    });
  }
});
