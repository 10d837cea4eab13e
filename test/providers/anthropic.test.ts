import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import type { ChatRequest } from '../../src/providers/chat-form.ts';
import { adapters, STRICT, upstreamAt } from './support.ts';

const adapter = adapters.anthropic.chat;
const upstream = upstreamAt('https://api.example.com', 'anthropic');

const translate = (fields: object, target: object = {}): Record<string, unknown> => {
  const chat = { model: 'alias', messages: [{ role: 'user', content: 'hi' }], ...fields } as ChatRequest;
  const { body } = adapter.request(chat, { model: 'claude', stream: false, upstream, ...target }, STRICT);
  return JSON.parse(bodyText(body));
};

describe('a request for Anthropic', () => {
  it('contains the version, the key and a token limit, from the client, the model or the default', () => {
    const { path, headers } = adapter.request(
      { model: 'a', messages: [{ role: 'user', content: 'x' }] },
      { model: 'claude', stream: true, upstream },
      STRICT,
    );
    assert.equal(path, '/v1/messages');
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.equal(headers['x-api-key'], upstream.api_key);
    assert.equal(translate({ max_completion_tokens: 5, max_tokens: 6 }).max_tokens, 5);
    assert.equal(translate({ max_tokens: 6 }).max_tokens, 6);
    assert.equal(translate({}, { max_output_tokens: 64_000 }).max_tokens, 64_000);
    assert.equal(translate({}).max_tokens, 4_096);
  });

  it('separates system prompts, puts the results of parallel tools into one turn, and puts thinking first', () => {
    const thinking = { type: 'thinking', thinking: 'hm', signature: 'sig' };
    const call = (id: string, args: string) => ({
      id,
      type: 'function',
      function: { name: 'f', arguments: args },
    });
    const body = translate({
      messages: [
        { role: 'system', content: 'Be kind.' },
        {
          role: 'developer',
          content: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
        },
        { role: 'user', content: 'go' },
        {
          role: 'assistant',
          content: '',
          thinking_blocks: [thinking],
          tool_calls: [call('1', '{"a":1}'), call('2', '')],
        },
        { role: 'tool', tool_call_id: '1', content: 'one' },
        { role: 'tool', tool_call_id: '2', content: [{ type: 'text', text: 'two' }] },
        { role: 'user', content: 'and?' },
      ],
    });
    assert.deepEqual(body.system, [
      { type: 'text', text: 'Be kind.' },
      { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
    ]);
    const result = (tool_use_id: string, text: string) => ({
      type: 'tool_result',
      tool_use_id,
      content: [{ type: 'text', text }],
    });
    assert.deepEqual(body.messages, [
      { role: 'user', content: [{ type: 'text', text: 'go' }] },
      {
        role: 'assistant',
        content: [
          thinking,
          { type: 'tool_use', id: '1', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: '2', name: 'f', input: {} },
        ],
      },
      { role: 'user', content: [result('1', 'one'), result('2', 'two'), { type: 'text', text: 'and?' }] },
    ]);
  });

  it('contains images by URL and by content, and PDF files', () => {
    const parts = [
      { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'high' } },
      { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,BBBB' } },
    ];
    const [turn] = translate({ messages: [{ role: 'user', content: parts }] }).messages as [{ content: unknown }];
    assert.deepEqual(turn.content, [
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' },
        title: 'a.pdf',
      },
    ]);
  });

  it('contains the tools and the tool choice', () => {
    const tools = [{ type: 'function', function: { name: 'f', parameters: { properties: {} }, strict: true } }];
    assert.deepEqual(translate({ tools }).tools, [
      { name: 'f', input_schema: { type: 'object', properties: {} }, strict: true },
    ]);
    const choices: readonly (readonly [object, unknown])[] = [
      [{}, undefined],
      [{ tool_choice: 'auto' }, { type: 'auto' }],
      [{ tool_choice: 'none' }, { type: 'none' }],
      [
        { tool_choice: 'required', parallel_tool_calls: false },
        { type: 'any', disable_parallel_tool_use: true },
      ],
      [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
      [{ tool_choice: { type: 'function', function: { name: 'f' } } }, { type: 'tool', name: 'f' }],
    ];
    for (const [fields, expected] of choices) assert.deepEqual(translate({ tools, ...fields }).tool_choice, expected);
  });

  it('contains sampling, stop sequences, user, schema, effort and service tier', () => {
    const schema = { type: 'object' };
    const body = translate({
      temperature: 1,
      top_p: 0.5,
      stop: 'END',
      user: 'u1',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      reasoning_effort: 'minimal',
      service_tier: 'default',
    });
    assert.equal(body.temperature, 1);
    assert.equal(body.top_p, 0.5);
    assert.deepEqual(body.stop_sequences, ['END']);
    assert.deepEqual(body.metadata, { user_id: 'u1' });
    assert.deepEqual(body.output_config, { format: { type: 'json_schema', schema }, effort: 'low' });
    assert.equal(body.service_tier, 'standard_only');
  });

  it('accepts values without effect', () => {
    const neutral = {
      n: 1,
      logprobs: false,
      frequency_penalty: 0,
      logit_bias: {},
      seed: null,
      modalities: ['text'],
    };
    assert.deepEqual(translate(neutral), translate({}));
  });

  it('is refused with the name of a field that Anthropic does not support', () => {
    const part = (given: object) => ({ messages: [{ role: 'user', content: [given] }] });
    const refused: readonly (readonly [object, string])[] = [
      [{ n: 2 }, 'n'],
      [{ logprobs: true }, 'logprobs'],
      [{ seed: 7 }, 'seed'],
      [{ temperature: 1.5 }, 'temperature'],
      [{ response_format: { type: 'json_object' } }, 'response_format'],
      [{ tools: [{ type: 'custom' }] }, 'tools[0].type'],
      [{ some_new_field: 1 }, 'some_new_field'],
      [{ constructor: 1 }, 'constructor'],
      [part({ type: 'input_audio' }), 'messages[0].content[0].type'],
      [
        part({ type: 'image_url', image_url: { url: 'data:image/tiff;base64,A' } }),
        'messages[0].content[0].image_url.url',
      ],
      [
        part({ type: 'image_url', image_url: { url: 'https://x', detail: 'low' } }),
        'messages[0].content[0].image_url.detail',
      ],
      [{ messages: [{ role: 'function', content: '' }] }, 'messages[0].role'],
    ];
    for (const [fields, param] of refused) {
      assert.throws(() => translate(fields), { code: 'unsupported_feature', status: 400, param }, param);
    }
  });

  it('is refused with the name of a malformed field', () => {
    const call = { id: '1', type: 'function', function: { name: 'f', arguments: '[1' } };
    const wrong: readonly (readonly [object, string])[] = [
      [{ messages: [7] }, 'messages[0]'],
      [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
      [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
      [{ messages: [{ role: 'assistant', tool_calls: [call] }] }, 'messages[0].tool_calls[0].function.arguments'],
      [{ tools: 'all' }, 'tools'],
      [{ stop: [7] }, 'stop'],
    ];
    for (const [fields, param] of wrong) {
      assert.throws(() => translate(fields), { code: 'invalid_request', param }, param);
    }
  });
});

const MESSAGE = {
  id: 'msg_1',
  model: 'claude',
  content: [
    { type: 'thinking', thinking: 'let me see', signature: 'sig' },
    { type: 'text', text: 'Hello' },
    { type: 'a_new_kind', x: 1 },
    { type: 'tool_use', id: 't1', name: 'f', input: { a: [1] } },
  ],
  stop_reason: 'tool_use',
  usage: {
    input_tokens: 10,
    cache_read_input_tokens: 100,
    cache_creation_input_tokens: 20,
    output_tokens: 7,
    output_tokens_details: { thinking_tokens: 3 },
  },
};
const USAGE = {
  prompt_tokens: 130,
  completion_tokens: 7,
  total_tokens: 137,
  cached_tokens: 100,
  cache_write_tokens: 20,
  reasoning_tokens: 3,
  prompt_audio_tokens: 0,
  completion_audio_tokens: 0,
};

describe('a response of Anthropic', () => {
  it('is translated with its text, its signed thinking, its tool calls and each kind of token', () => {
    const { result: body, usage } = adapter.response(JSON.stringify(MESSAGE));
    assert.deepEqual(usage, USAGE);
    assert.deepEqual(body.choices[0]?.message, {
      role: 'assistant',
      content: 'Hello',
      refusal: null,
      reasoning_content: 'let me see',
      thinking_blocks: [MESSAGE.content[0]],
      tool_calls: [{ id: 't1', type: 'function', function: { name: 'f', arguments: '{"a":[1]}' } }],
    });
    assert.equal(body.choices[0]?.finish_reason, 'tool_calls');
    assert.equal(body.created, 1_767_225_600);
  });

  it("is translated with OpenAI's finish reason", () => {
    const reasons = {
      end_turn: 'stop',
      stop_sequence: 'stop',
      max_tokens: 'length',
      model_context_window_exceeded: 'length',
      tool_use: 'tool_calls',
      refusal: 'content_filter',
    };
    for (const [stop_reason, finish] of Object.entries(reasons)) {
      const { result: body } = adapter.response(JSON.stringify({ ...MESSAGE, stop_reason }));
      assert.equal(body.choices[0]?.finish_reason, finish);
    }
  });

  it('is refused if it is malformed', () => {
    const wrong = [{ id: 7 }, { model: null }, { content: 'x' }, { content: [7] }, { usage: { input_tokens: 'many' } }];
    for (const fields of wrong) {
      const text = JSON.stringify({ ...MESSAGE, ...fields });
      assert.throws(() => adapter.response(text), { code: 'provider_malformed' }, text);
    }
    const [, , , use] = MESSAGE.content;
    const text = JSON.stringify({ ...MESSAGE, content: [{ ...use, input: 'x' }] });
    assert.throws(() => adapter.response(text), { code: 'provider_malformed' });
  });
});

describe('a stream of Anthropic', () => {
  const EVENTS: readonly object[] = [
    {
      type: 'message_start',
      message: { ...MESSAGE, content: [], usage: { ...MESSAGE.usage, output_tokens: 1 } },
    },
    { type: 'ping' },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sig' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_stop', index: 1 },
    {
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} },
    },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"x":1}' } },
    { type: 'content_block_stop', index: 2 },
    {
      type: 'content_block_start',
      index: 3,
      content_block: { type: 'tool_use', id: 'b', name: 'g', input: {} },
    },
    { type: 'content_block_stop', index: 3 },
    { type: 'a_new_event' },
    {
      type: 'message_delta',
      delta: { stop_reason: 'tool_use' },
      usage: { output_tokens: 7, input_tokens: null },
    },
    { type: 'message_stop' },
  ];
  const event = (json: object) => ({ event: '', data: JSON.stringify(json) });

  it('is translated into chunks with text, thinking, both tool calls, the finish reason and usage', () => {
    const stream = adapter.stream();
    const chunks = EVENTS.flatMap((json) => stream.push(event(json)));
    stream.end();
    const call = (index: number, given: object) => ({ tool_calls: [{ index, ...given }] });
    assert.deepEqual(
      chunks.map(({ choices }) => choices[0]?.delta as unknown),
      [
        { role: 'assistant', content: '', refusal: null },
        { reasoning_content: 'hm' },
        { thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'sig' }] },
        { content: 'Hi' },
        call(0, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        call(0, { function: { arguments: '{"x":1}' } }),
        call(1, { id: 'b', type: 'function', function: { name: 'g', arguments: '' } }),
        call(1, { function: { arguments: '{}' } }),
        {},
      ],
    );
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
    assert.deepEqual(stream.usage, USAGE);
    assert.equal(stream.text(), 'hmHif{"x":1}g');
  });

  it('is incomplete wherever it ends before message_stop, and contains the text until then', () => {
    for (let length = 0; length < EVENTS.length; length += 1) {
      const stream = adapter.stream();
      for (const json of EVENTS.slice(0, length)) stream.push(event(json));
      assert.throws(() => stream.end(), { code: 'provider_disconnected' }, `after ${length}`);
    }
  });

  it('fails with the error of an error event, and at events that are malformed or out of order', () => {
    const stream = adapter.stream();
    const error = (type: string) => event({ type: 'error', error: { type, message: 'Oh' } });
    assert.throws(() => stream.push(error('overloaded_error')), {
      code: 'provider_error',
      details: 'The provider answered 529: Oh',
    });
    assert.throws(() => stream.push(error('rate_limit_error')), { code: 'provider_rate_limited' });
    const wrong = [
      { type: 'message_start', message: 7 },
      { type: 'message_stop' },
      { type: 'content_block_start', index: 0 },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 7 } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'too early' } },
    ];
    for (const json of wrong) {
      assert.throws(() => stream.push(event(json)), { code: 'provider_malformed' }, JSON.stringify(json));
    }
    assert.throws(() => stream.push({ event: '', data: '{' }), { code: 'provider_malformed' });
  });
});
