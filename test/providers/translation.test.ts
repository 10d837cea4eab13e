import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ChatRequest } from '../../src/providers/chat-form.ts';
import type { Caller } from '../../src/providers/contract.ts';
import { createCaller } from '../../src/providers/transport/upstream-caller.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { runCall, upstreamAt } from './support.ts';

const word = fc.stringMatching(/^[a-zäß✓😀]{1,8}$/u);
const sentence = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
const toolName = fc.constantFrom('get_weather', 'send_mail', 'look_up');
const schema = fc.constantFrom<Record<string, unknown>>(
  { type: 'object', properties: {} },
  { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2 } } },
  { type: 'object', properties: { tags: { type: 'array', items: { type: 'string', enum: ['ä"\\', 'b'] } } } },
);
const tools = fc
  .uniqueArray(fc.record({ name: toolName, description: sentence, parameters: schema }), {
    selector: ({ name }) => name,
  })
  .map((given) => given.map((described) => ({ type: 'function', function: described })));

const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };

const history = fc.array(
  fc.oneof(
    sentence.map((content) => [{ role: 'user', content }]),
    sentence.map((content) => [{ role: 'assistant', content }]),
    fc.tuple(toolName, sentence).map(([name, content]) => [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name, arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content },
    ]),
  ),
  { maxLength: 4 },
);

const chat: fc.Arbitrary<ChatRequest> = fc
  .record({
    system: fc.option(sentence),
    history,
    last: sentence,
    named: fc.array(toolName, { maxLength: 2 }),
    images: fc.nat(2),
    tools,
    tool_choice: fc.constantFrom('auto', 'none', 'required'),
    parallel_tool_calls: fc.boolean(),
    max_tokens: fc.integer({ min: 1, max: 20 }),
  })
  .map(
    ({ system, history: before, last, named, images, tools: given, tool_choice, parallel_tool_calls, max_tokens }) => ({
      model: 'm',
      messages: [
        ...(system === null ? [] : [{ role: 'system', content: system }]),
        ...before.flat(),
        {
          role: 'user',
          content: [{ type: 'text', text: [last, ...named].join(' ') }, ...Array.from({ length: images }, () => image)],
        },
      ],
      max_tokens,
      ...(given.length === 0 ? {} : { tools: given, tool_choice, parallel_tool_calls }),
    }),
  ) as fc.Arbitrary<ChatRequest>;

describe('a call through any protocol', () => {
  let sandbox: Sandbox;
  let caller: Caller;

  before(async () => {
    sandbox = await startSandbox();
    caller = createCaller();
  });
  after(async () => {
    await caller.close();
    await sandbox.close();
  });

  it('keeps text, images, tools, tool calls, finish reason and usage, with and without streaming', async () => {
    const openai = upstreamAt(sandbox.url, 'openai');
    const anthropic = upstreamAt(sandbox.url, 'anthropic');
    const google = upstreamAt(sandbox.url, 'google');
    const seen = new Set<string | null>();
    await fc.assert(
      fc.asyncProperty(chat, async (given) => {
        const plain = await runCall(caller, openai, 'openai', given, false);
        seen.add(plain.finish);
        assert.notEqual(plain.usage, null);
        assert.deepEqual(await runCall(caller, openai, 'openai', given, true), plain);
        assert.deepEqual(await runCall(caller, anthropic, 'anthropic', given, false), plain);
        assert.deepEqual(await runCall(caller, anthropic, 'anthropic', given, true), plain);
        // Google's models cannot be limited to one tool call.
        if (given.parallel_tool_calls === false) return;
        assert.deepEqual(await runCall(caller, google, 'google', given, false), plain);
        assert.deepEqual(await runCall(caller, google, 'google', given, true), plain);
      }),
      { numRuns: 200 },
    );
    assert.deepEqual([...seen].sort(), ['length', 'stop', 'tool_calls']);
  });

  it('keeps structured output', async () => {
    const given: ChatRequest = {
      model: 'm',
      messages: [{ role: 'user', content: 'fill it' }],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'x', schema: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    };
    for (const protocol of ['openai', 'anthropic', 'google'] as const) {
      const reported = await runCall(caller, upstreamAt(sandbox.url, protocol), protocol, given, true);
      assert.deepEqual(JSON.parse(reported.text), { city: 'sandbox' });
    }
  });

  it('maps refusals and broken responses in every protocol, with and without streaming', async () => {
    const chatOf = (directive: string): ChatRequest => ({
      model: 'm',
      messages: [{ role: 'user', content: `one two three [[sandbox: ${directive}]]` }],
    });
    const expected: readonly (readonly [string, boolean, string, number])[] = [
      ['status=429', false, 'provider_rate_limited', 429],
      ['status=404', false, 'provider_rejected', 404],
      ['status=401', false, 'provider_error', 502],
      ['status=503', true, 'provider_error', 502],
      ['garbage', false, 'provider_malformed', 502],
      ['garbage', true, 'provider_malformed', 502],
      ['wrong_type', false, 'provider_malformed', 502],
      ['wrong_type', true, 'provider_malformed', 502],
      ['empty', false, 'provider_malformed', 502],
      ['empty', true, 'provider_disconnected', 502],
      ['cut_after=3', false, 'provider_disconnected', 502],
      ['cut_after=3', true, 'provider_disconnected', 502],
      ['error_after=3', true, 'provider_error', 502],
    ];
    for (const protocol of ['openai', 'anthropic', 'google'] as const) {
      for (const [directive, stream, code, status] of expected) {
        await assert.rejects(
          runCall(caller, upstreamAt(sandbox.url, protocol), protocol, chatOf(directive), stream),
          { name: 'OneVaultError', code, status },
          `${protocol} ${directive} ${stream ? 'streamed' : 'whole'}`,
        );
      }
    }
  });
});
