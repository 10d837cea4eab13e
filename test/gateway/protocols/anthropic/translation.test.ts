import assert from 'node:assert/strict';
import { readRequest } from '../../../../src/gateway/protocols/anthropic/read.ts';
import { messagesWriter } from '../../../../src/gateway/protocols/anthropic/write.ts';
import { NOTHING_USED } from '../../../../src/gateway/rating.ts';
import type { Ending } from '../../../../src/gateway/work.ts';
import type { ChatChunk, ChatResponse, JsonObject, Usage } from '../../../../src/providers/chat-form.ts';

const usage: Usage = {
  ...{ prompt_tokens: 130, completion_tokens: 7, total_tokens: 137, cached_tokens: 100 },
  ...{ cache_write_tokens: 20, reasoning_tokens: 3, prompt_audio_tokens: 0, completion_audio_tokens: 0 },
};
const ending: Ending = {
  ...{ request_id: 'r', received_ms: 0, usage, chosen: null, route: null, attempts: [] },
};

const read = (fields: object) =>
  readRequest({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }], ...fields });

describe("a request of Anthropic's in the pivot form", () => {
  it('keeps the order of results and words, thinking, failures and cache marks', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' };
    const { chat, losses } = read({
      system: [{ type: 'text', text: 'Be kind.', ...mark }],
      messages: [
        { role: 'user', content: 'go' },
        {
          role: 'assistant',
          content: [
            thinking,
            { type: 'text', text: 'I look.' },
            { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
            { type: 'tool_use', id: 'b', name: 'g', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'a', content: 'one', ...mark },
            { type: 'tool_result', tool_use_id: 'b', is_error: true },
            { type: 'text', text: 'and?' },
          ],
        },
      ],
    });
    assert.deepEqual(losses, []);
    const call = (id: string, name: string, args: string) => ({
      ...{ id, type: 'function', function: { name, arguments: args } },
    });
    assert.deepEqual(chat.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be kind.', ...mark }] },
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: 'I look.',
        thinking_blocks: [thinking],
        tool_calls: [call('a', 'f', '{"x":1}'), call('b', 'g', '{}')],
      },
      { role: 'tool', content: 'one', tool_call_id: 'a', ...mark },
      { role: 'tool', content: '', tool_call_id: 'b', is_error: true },
      { role: 'user', content: [{ type: 'text', text: 'and?' }] },
    ]);
  });

  it('carries pictures, documents and results of a search', () => {
    const source = (fields: object) => ({ type: 'document', title: 'T', source: fields });
    const { chat } = read({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
            source({ type: 'base64', media_type: 'application/pdf', data: 'BBBB' }),
            source({ type: 'url', url: 'https://example.com/a.pdf' }),
            source({ type: 'text', media_type: 'text/plain', data: 'body' }),
            source({ type: 'content', content: [{ type: 'text', text: 'inner' }] }),
            {
              type: 'search_result',
              title: 'S',
              source: 'https://s',
              content: [{ type: 'text', text: 'found' }],
            },
          ],
        },
      ],
    });
    const text = (said: string) => ({ type: 'text', text: said });
    assert.deepEqual(chat.messages[0]?.content, [
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'file', file: { filename: 'T', file_data: 'data:application/pdf;base64,BBBB' } },
      { type: 'file', file: { filename: 'T', file_url: 'https://example.com/a.pdf' } },
      { type: 'file', file: { filename: 'T', text: 'body' } },
      ...['T', 'inner', 'S', 'https://s', 'found'].map(text),
    ]);
  });

  it('carries tools, sampling, effort, thinking, schema, tier and user', () => {
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer' } },
      required: ['n'],
      additionalProperties: false,
    };
    const { chat, losses } = read({
      ...{ temperature: 0.5, top_p: 0.9, top_k: 4, stop_sequences: ['END'], stream: true },
      tools: [{ name: 'f', description: 'd', input_schema: schema, strict: true }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      output_config: { effort: 'high', format: { type: 'json_schema', schema } },
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      speed: 'standard',
    });
    const { messages: _messages, ...fields } = chat;
    assert.deepEqual(losses, []);
    assert.deepEqual(fields, {
      ...{ model: 'm', max_completion_tokens: 9, temperature: 0.5, top_p: 0.9, top_k: 4, stop: ['END'] },
      stream: true,
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: schema, strict: true } },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      reasoning_effort: 'high',
      response_format: { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } },
      user: 'u',
      service_tier: 'default',
    });
    const open = { type: 'object', properties: { n: {} } };
    const { chat: loose } = read({ output_format: { type: 'json_schema', schema: open } });
    assert.deepEqual(loose.response_format, {
      type: 'json_schema',
      json_schema: { name: 'output', schema: open },
    });
  });

  it('finds the field of the client that a field of the pivot form came from', () => {
    const { locate } = read({
      system: 'Be kind.',
      messages: [
        { role: 'user', content: 'x' },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'x' }] },
            { type: 'text', text: 'x' },
          ],
        },
      ],
    });
    for (const [pivot, own] of [
      ['messages[0].content', 'system'],
      ['messages[1].role', 'messages[0].content'],
      ['messages[2].content[0].image_url', 'messages[1].content[0].content[0]'],
      ['messages[3].content[0].file.file_url', 'messages[1].content[1]'],
      ['tools[2].function.name', 'tools[2]'],
      ['stop', 'stop_sequences'],
      ['response_format', 'output_config.format'],
      ['top_k', 'top_k'],
    ] as const) {
      assert.equal(locate(pivot), own, pivot);
    }
  });
});

const responded = (message: object, finish_reason = 'stop'): ChatResponse => ({
  ...{ id: 'c1', object: 'chat.completion', created: 1, model: 'gpt' },
  choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
});
const call = (name: string, args: string) => ({
  id: 'a',
  type: 'function',
  function: { name, arguments: args },
});

describe("a reply in Anthropic's form", () => {
  const write = (response: ChatResponse) =>
    JSON.parse(messagesWriter.whole(response)(ending, NOTHING_USED)) as Record<string, unknown>;

  it('has thinking, text, calls and each kind of token apart', () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' };
    const body = write(
      responded(
        { content: 'Hi', thinking_blocks: [thinking], tool_calls: [call('f', '{"x":1}')] },
        'tool_calls',
      ),
    );
    assert.deepEqual(body.content, [
      thinking,
      { type: 'text', text: 'Hi', citations: null },
      { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
    ]);
    assert.equal(body.stop_reason, 'tool_use');
    const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } =
      body.usage as Record<string, number>;
    assert.deepEqual(
      [input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens],
      [10, 100, 20, 7],
    );
  });

  it('says why it stopped', () => {
    const forced = responded({ tool_calls: [call('f', '')] });
    const cut = responded({ tool_calls: [call('f', '{"x":')] }, 'length');
    for (const [response, reason] of [
      [responded({ content: 'x' }), 'end_turn'],
      [responded({ content: 'x' }, 'length'), 'max_tokens'],
      [responded({ content: 'x' }, 'content_filter'), 'refusal'],
      [responded({ refusal: 'No.' }), 'refusal'],
      [forced, 'tool_use'],
      [cut, 'max_tokens'],
    ] as const) {
      assert.equal(write(response).stop_reason, reason);
    }
  });

  it('is refused where the arguments of a call are none', () => {
    for (const args of ['{', '7', '[]']) {
      assert.throws(() => write(responded({ tool_calls: [call('f', args)] })), {
        code: 'provider_malformed',
      });
    }
  });
});

describe("a stream in Anthropic's form", () => {
  const chunk = (delta: JsonObject, finish_reason: string | null = null): ChatChunk => ({
    ...{ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'gpt' },
    choices: [{ index: 0, delta, finish_reason }],
  });
  const piece = (index: number, fields: object) => chunk({ tool_calls: [{ index, ...fields }] });
  const write = (chunks: readonly ChatChunk[]) => {
    const frames = messagesWriter.stream();
    const text = chunks.map((each) => frames.chunk(each)).join('') + frames.last(ending, NOTHING_USED);
    return text
      .split('\n\n')
      .filter((frame) => frame !== '')
      .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as Record<string, unknown>);
  };

  it('opens and closes one block after the other, and tells usage at last', () => {
    const events = write([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'hm' }),
      chunk({ thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }] }),
      chunk({ content: 'Hi' }),
      chunk({ content: ' you' }),
      piece(0, { id: 'a', function: { name: 'f', arguments: '' } }),
      piece(0, { function: { arguments: '{"x":' } }),
      piece(0, { function: { arguments: '1}' } }),
      piece(1, { id: 'b', function: { name: 'g', arguments: '{}' } }),
      chunk({}, 'tool_calls'),
    ]);
    const start = (index: number, content_block: object) => ({
      type: 'content_block_start',
      index,
      content_block,
    });
    const delta = (index: number, fields: object) => ({ type: 'content_block_delta', index, delta: fields });
    const stop = (index: number) => ({ type: 'content_block_stop', index });
    const use = (id: string, name: string) => ({ type: 'tool_use', id, name, input: {} });
    const json = (partial_json: string) => ({ type: 'input_json_delta', partial_json });
    assert.equal(events[0]?.type, 'message_start');
    assert.deepEqual(events.slice(1, -2), [
      start(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'hm' }),
      delta(0, { type: 'signature_delta', signature: 's' }),
      stop(0),
      start(1, { type: 'text', text: '', citations: null }),
      delta(1, { type: 'text_delta', text: 'Hi' }),
      delta(1, { type: 'text_delta', text: ' you' }),
      stop(1),
      start(2, use('a', 'f')),
      delta(2, json('{"x":')),
      delta(2, json('1}')),
      stop(2),
      start(3, use('b', 'g')),
      delta(3, json('{}')),
      stop(3),
    ]);
    const [last, end] = events.slice(-2);
    assert.deepEqual(last?.delta, { stop_reason: 'tool_use', stop_sequence: null });
    assert.equal((last!.usage as { input_tokens: number }).input_tokens, 10);
    assert.equal(end?.type, 'message_stop');
  });

  it('keeps thinking that came whole', () => {
    const redacted = { type: 'redacted_thinking', data: 'x' };
    const signed = { type: 'thinking', thinking: 'hm', signature: 's' };
    const events = write([chunk({ thinking_blocks: [redacted, signed] }), chunk({ content: 'x' }, 'stop')]);
    const [, start, , , thought, signature] = events;
    assert.deepEqual(start?.content_block, redacted);
    assert.deepEqual(thought?.delta, { type: 'thinking_delta', thinking: 'hm' });
    assert.deepEqual(signature?.delta, { type: 'signature_delta', signature: 's' });
  });

  it('tells a refusal', () => {
    const events = write([chunk({ refusal: 'I will ' }), chunk({ refusal: 'not.' }), chunk({}, 'stop')]);
    assert.deepEqual(events.at(-2)?.delta, {
      stop_reason: 'refusal',
      stop_sequence: null,
      stop_details: { type: 'refusal', category: null, explanation: 'I will not.' },
    });
  });

  it('is broken where the pieces of two calls are mixed, or a call has no name', () => {
    const first = piece(0, { id: 'a', function: { name: 'f', arguments: '{' } });
    const second = piece(1, { id: 'b', function: { name: 'g', arguments: '{' } });
    for (const chunks of [
      [first, second, piece(0, { function: { arguments: '}' } })],
      [piece(0, { function: { arguments: '{}' } })],
      [chunk({ tool_calls: 7 })],
      [chunk({ tool_calls: [7] })],
    ]) {
      assert.throws(() => write(chunks), { code: 'provider_malformed' });
    }
  });
});
