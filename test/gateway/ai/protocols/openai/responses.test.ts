import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ResponseStream } from 'openai/lib/responses/ResponseStream';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { FinishedCall } from '../../../../../src/gateway/ai/operation.ts';
import { readRequest } from '../../../../../src/gateway/ai/protocols/openai/responses/read.ts';
import type { ResponsesRequest } from '../../../../../src/gateway/ai/protocols/openai/responses/responses-request.ts';
import { responsesWriter } from '../../../../../src/gateway/ai/protocols/openai/responses/write.ts';
import { NOTHING_USED } from '../../../../../src/pricing/rating.ts';
import type { Usage } from '../../../../../src/pricing/usage.ts';
import type { ChatChunk, ChatResponse, JsonObject } from '../../../../../src/providers/chat-form.ts';

const usage: Usage = {
  prompt_tokens: 130,
  completion_tokens: 7,
  total_tokens: 137,
  cached_tokens: 100,
  cache_write_tokens: 20,
  reasoning_tokens: 3,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
};
const ending: FinishedCall = { request_id: 'r', received_ms: 0, usage, chosen: null, route: null, attempts: [] };
const request: ResponsesRequest = { model: 'm', input: 'x' };

const read = (fields: object) => readRequest({ ...request, ...fields });

describe("the reader of OpenAI's responses requests", () => {
  it('joins the items of one model turn, and keeps tool outputs separate', () => {
    const call = (id: string, name: string) => ({
      type: 'function_call',
      id: `fc_${id}`,
      call_id: id,
      name,
      arguments: '{"x":1}',
      status: 'completed',
    });
    const { chat, unsupported, locate } = read({
      instructions: 'Be kind.',
      input: [
        { role: 'developer', content: [{ type: 'input_text', text: 'Be brief.' }] },
        { role: 'user', content: 'go' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'hm' }],
          encrypted_content: 'gAAA',
        },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
        },
        call('a', 'f'),
        call('b', 'g'),
        { type: 'function_call_output', call_id: 'a', output: 'one' },
        {
          type: 'function_call_output',
          call_id: 'b',
          output: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }],
        },
        { role: 'user', content: 'and?' },
        { role: 'assistant', content: 'One.' },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No more.' }] },
      ],
    });
    assert.deepEqual(unsupported, []);
    const called = (id: string, name: string) => ({
      id,
      type: 'function',
      function: { name, arguments: '{"x":1}' },
    });
    assert.deepEqual(chat.messages, [
      { role: 'system', content: 'Be kind.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: 'I look.',
        reasoning_content: 'hm',
        tool_calls: [called('a', 'f'), called('b', 'g')],
      },
      { role: 'tool', content: 'one', tool_call_id: 'a' },
      {
        role: 'tool',
        content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'auto' } }],
        tool_call_id: 'b',
      },
      { role: 'user', content: 'and?' },
      { role: 'assistant', content: 'One.' },
      { role: 'assistant', content: 'No more.' },
    ]);
    assert.equal(locate('messages[0].content'), 'instructions');
    assert.equal(locate('messages[1].content[0].text'), 'input[0].content[0]');
    assert.equal(locate('messages[5].content[0].image_url'), 'input[7].output[0]');
    assert.equal(locate('messages[3].tool_calls[1].function.arguments'), 'input[2]');
    assert.equal(locate('messages[7].content'), 'input[9]');
    assert.equal(locate('response_format'), 'text.format');
    assert.equal(locate('max_completion_tokens'), 'max_output_tokens');
  });

  it('converts tools, sampling, effort, schema, verbosity, service tier and log probabilities', () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' } } };
    const { chat, unsupported } = read({
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 99,
      stream: true,
      user: 'u',
      top_logprobs: 2,
      service_tier: 'flex',
      parallel_tool_calls: false,
      metadata: { a: 'b' },
      store: false,
      truncation: 'disabled',
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      background: false,
      reasoning: { effort: 'high', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 's', schema, strict: true }, verbosity: 'low' },
      tools: [{ type: 'function', name: 'f', description: 'd', parameters: schema, strict: true }],
      tool_choice: { type: 'function', name: 'f' },
    });
    assert.deepEqual(unsupported, []);
    assert.deepEqual(chat, {
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 99,
      stream: true,
      user: 'u',
      logprobs: true,
      top_logprobs: 2,
      service_tier: 'flex',
      parallel_tool_calls: false,
      reasoning_effort: 'high',
      verbosity: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 's', schema, strict: true } },
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: schema, strict: true } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
    });
  });

  it('collects the text of unsupported fields', () => {
    const { unsupported, unread } = read({
      input: [{ type: 'mcp_call', output: 'secret' }],
      prompt: { id: 'p', variables: { who: 'hidden' } },
    });
    assert.deepEqual(
      unsupported.map(({ param }) => param),
      ['input[0].type', 'prompt'],
    );
    assert.match(unread.join(' '), /secret.*hidden/);
  });
});

const write = responsesWriter(request);

const eventsOf = (chunks: readonly ChatChunk[], end = ending): readonly ResponseStreamEvent[] => {
  const frames = write.stream();
  const text = chunks.map((chunk) => frames.chunk(chunk, null)).join('') + frames.last(end, NOTHING_USED);
  return text
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => {
      const [, type, data] = /^event: (\S+)\ndata: (.*)$/s.exec(frame)!;
      const event = JSON.parse(data!) as ResponseStreamEvent;
      assert.equal(event.type, type);
      return event;
    });
};

const chunkOf = (delta: JsonObject, finish_reason: string | null = null): ChatChunk => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'm-1',
  choices: [{ index: 0, delta, finish_reason }],
});

const wholeOf = (message: JsonObject, finish_reason: string | null): JsonObject => {
  const response: ChatResponse = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 5,
    model: 'm-1',
    choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
  };
  return JSON.parse(write.whole(response)(ending, NOTHING_USED)) as JsonObject;
};

/** The response that OpenAI's SDK assembles from the events. */
const gathered = async (events: readonly ResponseStreamEvent[]): Promise<JsonObject> => {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const stream = ResponseStream.fromReadableStream(new Blob([lines]).stream() as never);
  const { output_parsed, output_text, ...response } = (await stream.finalResponse()) as unknown as JsonObject;
  return { ...response, output: withoutParsed(response.output) };
};

const withoutParsed = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, each: unknown) => (key.startsWith('parsed') ? undefined : each)));

const EVENTS_OF_ITEMS = /^response\.(output_item|content_part|output_text|refusal|function_call|reasoning)/;

/** Asserts that events are numbered without a gap, and that no event concerns an item or a part that is not open. */
const assertInOrder = (events: readonly ResponseStreamEvent[]): void => {
  const open = new Map<number, number>();
  let begun = 0;
  events.forEach((event, number) => {
    assert.equal(event.sequence_number, number);
    if (!EVENTS_OF_ITEMS.test(event.type)) return;
    const { output_index, content_index } = event as { output_index: number; content_index?: number };
    if (event.type === 'response.output_item.added') {
      assert.equal(output_index, begun++);
      open.set(output_index, -1);
    } else if (event.type === 'response.content_part.added') {
      open.set(output_index, open.get(output_index)! + 1);
    }
    assert.ok(open.has(output_index), event.type);
    if (content_index !== undefined) assert.equal(content_index, open.get(output_index));
    if (event.type === 'response.output_item.done') open.delete(output_index);
  });
  assert.equal(open.size, 0);
};

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });

type Piece = {
  readonly kind: 'think' | 'say' | 'refuse' | 'arguments';
  readonly text: string;
  readonly call: number;
};

/** Possible provider output: thinking, text, a refusal, then the interleaved arguments of several calls. */
const pieces = fc
  .record({
    thoughts: fc.array(word, { maxLength: 3 }),
    words: fc.array(word, { maxLength: 4 }),
    refusal: fc.array(word, { maxLength: 2 }),
    calls: fc.array(fc.tuple(fc.nat({ max: 2 }), word), { maxLength: 6 }),
  })
  .map(({ thoughts, words, refusal, calls }): Piece[] => [
    ...thoughts.map((text) => ({ kind: 'think' as const, text, call: 0 })),
    ...words.map((text) => ({ kind: 'say' as const, text, call: 0 })),
    ...refusal.map((text) => ({ kind: 'refuse' as const, text, call: 0 })),
    ...calls.map(([call, text]) => ({ kind: 'arguments' as const, text, call })),
  ]);

const chunksOf = (given: readonly Piece[], finish_reason: string): readonly ChatChunk[] => {
  const begun = new Map<number, number>();
  const deltas = given.map(({ kind, text, call }): JsonObject => {
    if (kind === 'think') return { reasoning_content: text };
    if (kind === 'say') return { content: text };
    if (kind === 'refuse') return { refusal: text };
    const is_new = !begun.has(call);
    if (is_new) begun.set(call, begun.size);
    const head = is_new ? { id: `call_${call}`, type: 'function' } : {};
    return {
      tool_calls: [
        {
          index: begun.get(call),
          ...head,
          function: { ...(is_new ? { name: `f${call}` } : {}), arguments: text },
        },
      ],
    };
  });
  return [
    chunkOf({ role: 'assistant', content: '' }),
    ...deltas.map((delta) => chunkOf(delta)),
    chunkOf({}, finish_reason),
  ];
};

const messageOf = (given: readonly Piece[]): JsonObject => {
  const textOf = (kind: Piece['kind']): string =>
    given
      .filter((piece) => piece.kind === kind)
      .map(({ text }) => text)
      .join('');
  const calls = [...new Set(given.filter(({ kind }) => kind === 'arguments').map(({ call }) => call))];
  return {
    content: textOf('say'),
    ...(textOf('think') === '' ? {} : { reasoning_content: textOf('think') }),
    ...(textOf('refuse') === '' ? {} : { refusal: textOf('refuse') }),
    tool_calls: calls.map((call) => ({
      id: `call_${call}`,
      type: 'function',
      function: {
        name: `f${call}`,
        arguments: given
          .filter((piece) => piece.kind === 'arguments' && piece.call === call)
          .map(({ text }) => text)
          .join(''),
      },
    })),
  };
};

describe("the writer of OpenAI's responses", () => {
  it('writes the same response whole, streamed, and as the SDK assembles it, whatever the pieces are', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.constantFrom('stop', 'length', 'tool_calls'), async (given, finish_reason) => {
        const whole = wholeOf(messageOf(given), finish_reason);
        const events = eventsOf(chunksOf(given, finish_reason));
        assertInOrder(events);
        const last = events.at(-1) as unknown as { response: JsonObject };
        assert.deepEqual(last.response, whole);
        assert.deepEqual(await gathered(events), whole);
        // Before the last event, the SDK has the same items.
        const { output } = await gathered(events.slice(0, -1));
        assert.deepEqual(output, whole.output);
      }),
      { numRuns: 150 },
    );
  });

  it('writes cached and reasoning tokens separately', () => {
    assert.deepEqual(wholeOf({ content: 'x' }, 'stop').usage, {
      input_tokens: 130,
      input_tokens_details: { cached_tokens: 100, cache_write_tokens: 20 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 137,
    });
  });

  it('writes signed thinking so that the client sends it back unchanged', () => {
    const blocks = [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'zzz' },
    ];
    const { output } = wholeOf({ content: 'x', thinking_blocks: blocks, reasoning_content: 'hm' }, 'stop');
    const streamed = eventsOf([
      chunkOf({ reasoning_content: 'h' }),
      chunkOf({ reasoning_content: 'm' }),
      chunkOf({ thinking_blocks: [blocks[0]] }),
      chunkOf({ thinking_blocks: [blocks[1]] }),
      chunkOf({ content: 'x' }, 'stop'),
    ]);
    assertInOrder(streamed);
    assert.deepEqual((streamed.at(-1) as unknown as { response: JsonObject }).response.output, output);
    const { chat } = read({ input: [{ role: 'user', content: 'q' }, ...(output as JsonObject[])] });
    assert.deepEqual(chat.messages[1]?.thinking_blocks, blocks);
    assert.equal(chat.messages[1]?.content, 'x');
  });

  it('writes the reason of the end', () => {
    const ends = (message: JsonObject, finish_reason: string) => {
      const { status, incomplete_details } = wholeOf(message, finish_reason);
      return [status, (incomplete_details as JsonObject | null)?.reason];
    };
    assert.deepEqual(ends({ content: 'x' }, 'stop'), ['completed', undefined]);
    assert.deepEqual(ends({ content: 'x' }, 'length'), ['incomplete', 'max_output_tokens']);
    assert.deepEqual(ends({ content: 'x' }, 'content_filter'), ['incomplete', 'content_filter']);
    assert.deepEqual(ends({ refusal: 'No.' }, 'content_filter'), ['completed', undefined]);
    assert.equal(eventsOf([chunkOf({ content: 'x' }, 'length')]).at(-1)?.type, 'response.incomplete');
  });

  it('writes citations and log probabilities', () => {
    const citation = { start_index: 0, end_index: 1, url: 'https://example.com', title: 'E' };
    const annotations = [{ type: 'url_citation', url_citation: citation }];
    const logprobs = { content: [{ token: 'x', logprob: -1, bytes: [120], top_logprobs: [] }] };
    const chunk = chunkOf({ content: 'x', annotations });
    const events = eventsOf([{ ...chunk, choices: [{ ...chunk.choices[0]!, logprobs }] }, chunkOf({}, 'stop')]);
    assertInOrder(events);
    const { output } = (events.at(-1) as unknown as { response: { output: { content: JsonObject[] }[] } }).response;
    assert.deepEqual(output[0]!.content, [
      {
        type: 'output_text',
        text: 'x',
        annotations: [{ type: 'url_citation', ...citation }],
        logprobs: logprobs.content,
      },
    ]);
  });

  it('writes an empty message for an empty response, also without any chunk', () => {
    const { output } = wholeOf({}, 'stop');
    assert.deepEqual((output as JsonObject[])[0]?.content, [
      { type: 'output_text', text: '', annotations: [], logprobs: [] },
    ]);
    const events = eventsOf([]);
    assertInOrder(events);
    assert.deepEqual(events.at(-1)?.type, 'response.completed');
  });

  it('rejects a tool call without a name', () => {
    const call = { index: 0, id: 'a', function: { arguments: '{}' } };
    assert.throws(() => eventsOf([chunkOf({ tool_calls: [call] })]), { code: 'provider_malformed' });
    assert.throws(() => wholeOf({ tool_calls: [call] }, 'tool_calls'), { code: 'provider_malformed' });
  });
});
