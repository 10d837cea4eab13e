import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ERRORS } from '../../src/core/errors.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, type Reply } from '../support/http.ts';

const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, '', '\0', '\ud800', '__proto__', 'constructor', [], {}),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Mostly what fits, now and then something else. */
const mostly = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: strange });

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    'use f',
    '[[sandbox: status=500, only=openai]]',
    '[[sandbox: garbage]]',
    '[[sandbox: wrong_type]]',
    '[[sandbox: tokens=0]]',
    '[[sandbox: cut_after=2]]',
    '[[sandbox: error_after=2]]',
    '[[sandbox: nothing]]',
    '<|endoftext|>',
  ),
);

const part = fc.oneof(
  fc.record({ type: fc.constant('text'), text: mostly(text) }),
  fc.record({
    type: fc.constant('image_url'),
    image_url: mostly(fc.record({ url: fc.constant('data:image/png;base64,AAAA') })),
  }),
  fc.record({ type: fc.constantFrom('file', 'input_audio', 'refusal', 'x'), text: mostly(text) }),
);

const tool_call = fc.record({
  id: mostly(fc.constant('call_1')),
  type: mostly(fc.constant('function')),
  function: mostly(
    fc.record({ name: fc.constant('f'), arguments: mostly(fc.constantFrom('{}', '{"a":1}', '', '[')) }),
  ),
});

const message = fc.record(
  {
    role: mostly(fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function')),
    content: mostly(fc.oneof(text, fc.array(mostly(part), { maxLength: 3 }))),
    tool_calls: mostly(fc.array(mostly(tool_call), { maxLength: 2 })),
    tool_call_id: mostly(fc.constant('call_1')),
    name: mostly(text),
  },
  { requiredKeys: ['role', 'content'] },
);

const chat = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    messages: mostly(fc.array(mostly(message), { minLength: 1, maxLength: 4 })),
    stream: mostly(fc.boolean()),
    stream_options: mostly(fc.record({ include_usage: fc.boolean() })),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    max_completion_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    n: mostly(fc.integer({ min: 1, max: 2 })),
    temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
    tools: mostly(
      fc.array(
        mostly(
          fc.record({
            type: mostly(fc.constant('function')),
            function: mostly(fc.record({ name: mostly(fc.constant('f')), parameters: strange })),
          }),
        ),
        { maxLength: 2 },
      ),
    ),
    tool_choice: mostly(fc.constantFrom('auto', 'none', 'required')),
    response_format: mostly(fc.record({ type: fc.constantFrom('text', 'json_object', 'json_schema') })),
    stop: mostly(fc.array(text, { maxLength: 2 })),
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'messages'] },
);

const unified = fc.record(
  {
    prompt: mostly(text),
    messages: mostly(
      fc.array(fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: mostly(text) }), {
        maxLength: 3,
      }),
    ),
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    type: mostly(fc.constantFrom('completion', 'medical_analysis')),
    priority: mostly(fc.constantFrom('basic', 'standard', 'premium')),
    max_cost: mostly(fc.constantFrom(1, 0.01, '0.5', '0.000001')),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
    stream: mostly(fc.boolean()),
    x_unknown: strange,
  },
  { requiredKeys: [] },
);

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: mostly(text) }),
  fc.record({
    type: fc.constant('image'),
    source: mostly(
      fc.record({
        type: mostly(fc.constant('base64')),
        media_type: mostly(fc.constant('image/png')),
        data: mostly(fc.constant('AAAA')),
      }),
    ),
  }),
  fc.record({
    type: fc.constant('document'),
    source: mostly(
      fc.record({ type: fc.constantFrom('text', 'content', 'url'), data: mostly(text), content: strange }),
    ),
    title: strange,
  }),
  fc.record({
    type: fc.constant('tool_use'),
    id: mostly(fc.constant('toolu_1')),
    name: mostly(fc.constant('f')),
    input: mostly(fc.constant({ a: 1 })),
  }),
  fc.record({
    type: fc.constant('tool_result'),
    tool_use_id: mostly(fc.constant('toolu_1')),
    content: mostly(text),
    is_error: mostly(fc.boolean()),
  }),
  fc.record({ type: fc.constantFrom('thinking', 'search_result', 'x'), thinking: strange, content: strange }),
);

const messages = fc.record(
  {
    model: mostly(fc.constantFrom('gpt-4o-mini', 'claude-haiku-4-5')),
    max_tokens: mostly(fc.integer({ min: 1, max: 50 })),
    system: mostly(text),
    messages: mostly(
      fc.array(
        mostly(
          fc.record({
            role: mostly(fc.constantFrom('user', 'assistant')),
            content: mostly(fc.oneof(text, fc.array(mostly(block), { minLength: 1, maxLength: 3 }))),
          }),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    ),
    stream: mostly(fc.boolean()),
    temperature: mostly(fc.double({ min: 0, max: 1, noNaN: true })),
    tools: mostly(
      fc.array(
        mostly(
          fc.record({
            name: mostly(fc.constant('f')),
            input_schema: mostly(fc.constant({ type: 'object' })),
          }),
        ),
        { maxLength: 2 },
      ),
    ),
    tool_choice: mostly(
      fc.record({
        type: mostly(fc.constantFrom('auto', 'any', 'tool', 'none')),
        name: mostly(fc.constant('f')),
      }),
    ),
    thinking: mostly(fc.record({ type: fc.constant('enabled'), budget_tokens: mostly(fc.constant(2_000)) })),
    output_config: mostly(fc.record({ effort: mostly(fc.constantFrom('low', 'max')), format: strange })),
    metadata: mostly(fc.record({ user_id: mostly(fc.constant('u')) })),
    x_unknown: strange,
  },
  { requiredKeys: ['model', 'messages', 'max_tokens'] },
);

const RUNS = 150;

describe('any body near the schema', () => {
  let gateway: TestGateway;

  before(async () => {
    gateway = await startTestGateway({ limits: { headers_timeout_ms: 1_000, idle_timeout_ms: 1_000 } });
  });
  after(() => gateway.close());

  /** Sends them all, several at once, and finds each in the vault once and never a fault of our own. */
  const assertServed = async (
    path: string,
    bodies: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const replies: Reply[] = [];
    const queue = [...bodies];
    const worker = async (): Promise<void> => {
      for (let body = queue.pop(); body !== undefined; body = queue.pop()) {
        const reply = await gateway.send({
          method: 'POST',
          path,
          headers: { ...bearer(gateway.keys.api_key), ...more },
          body,
        });
        assert.notEqual(reply.status, 500, body);
        if (reply.status !== 200) assert.ok(errorOf(reply).code in ERRORS, reply.text);
        replies.push(reply);
      }
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    await gateway.drain();
    const rows = await gateway.database.sql<{ id: string; http_status: number; error_code: string | null }[]>`
      select h.api_request_bk as id, s.http_status, s.error_code
      from gateway.api_request_s s
      join gateway.api_request_h h using (api_request_hk)
      where h.api_request_bk = any(${replies.map(({ request_id }) => request_id)})`;
    const status_by_id = new Map(rows.map(({ id, http_status }) => [id, http_status]));
    assert.equal(rows.length, bodies.length, 'exactly one row a call');
    for (const { request_id, status } of replies) assert.equal(status_by_id.get(request_id), status);
    assert.ok(rows.every(({ error_code }) => error_code !== 'internal_error'));
    assert.ok(rows.filter(({ http_status }) => http_status === 200).length > 0, 'some of them are sound');
    const [{ errors }] = await gateway.database.sql<[{ errors: number }]>`
      select count(*) as errors from ops.load_error`;
    assert.equal(errors, 0, 'no record is one that the vault cannot take');
  };

  it('of chat completions is answered, never with 500, and recorded once', async () => {
    const bodies = fc.sample(chat, RUNS).map((body) => JSON.stringify(body));
    await assertServed('/v1/chat/completions', bodies);
  });

  it('of the unified form is answered, never with 500, and recorded once', async () => {
    // Few of them are sound, as prompt and messages shut each other out.
    const bodies = fc.sample(unified, RUNS * 5).map((body) => JSON.stringify(body));
    await assertServed('/v1/ai/completions', bodies);
  });

  it("of Anthropic's messages is answered, never with 500, and recorded once", async () => {
    const bodies = fc.sample(messages, RUNS).map((body) => JSON.stringify(body));
    await assertServed('/v1/messages', bodies, { 'x-onevault-lossy': 'allow' });
  });

  it("of Anthropic's count of tokens is answered, never with 500, and recorded once", async () => {
    const bodies = fc.sample(messages, RUNS).map((body) => JSON.stringify(body));
    await assertServed('/v1/messages/count_tokens', bodies);
  });

  it('leaves no more than what was spent in the budget', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const [row] = await gateway.database.sql<{ spent: string }[]>`
      select sum(customer_cost)::text as spent from gateway.api_request_s`;
    assert.equal(gateway.budgets.total(`demo/${month}`), BigInt(row!.spent));
  });
});
