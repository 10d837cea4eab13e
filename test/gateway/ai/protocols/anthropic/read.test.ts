import assert from 'node:assert/strict';
import { readRequest } from '../../../../../src/gateway/ai/protocols/anthropic/read.ts';

const read = (fields: object) =>
  readRequest({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }], ...fields });

describe("the reader of Anthropic's requests", () => {
  it('keeps the order of results and texts, and keeps thinking, failures and cache marks', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const thinking = { type: 'thinking', thinking: 'hm', signature: 's' };
    const { chat, unsupported } = read({
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
    assert.deepEqual(unsupported, []);
    const call = (id: string, name: string, args: string) => ({
      id,
      type: 'function',
      function: { name, arguments: args },
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

  it('converts images, documents and search results', () => {
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
    const textPart = (text: string) => ({ type: 'text', text });
    assert.deepEqual(chat.messages[0]?.content, [
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'file', file: { filename: 'T', file_data: 'data:application/pdf;base64,BBBB' } },
      { type: 'file', file: { filename: 'T', file_url: 'https://example.com/a.pdf' } },
      { type: 'file', file: { filename: 'T', text: 'body' } },
      ...['T', 'inner', 'S', 'https://s', 'found'].map(textPart),
    ]);
  });

  it('converts tools, sampling, effort, thinking, schema, service tier and user', () => {
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer' } },
      required: ['n'],
      additionalProperties: false,
    };
    const { chat, unsupported } = read({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      stop_sequences: ['END'],
      stream: true,
      tools: [{ name: 'f', description: 'd', input_schema: schema, strict: true }],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 2_000 },
      output_config: { effort: 'high', format: { type: 'json_schema', schema } },
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      speed: 'standard',
    });
    const { messages: _messages, ...fields } = chat;
    assert.deepEqual(unsupported, []);
    assert.deepEqual(fields, {
      model: 'm',
      max_completion_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      stop: ['END'],
      stream: true,
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: schema, strict: true } }],
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

  it("maps a path of the pivot form to the client's path", () => {
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
