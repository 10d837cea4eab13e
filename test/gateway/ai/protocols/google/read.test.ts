import assert from 'node:assert/strict';
import type { GenerateRequest } from '../../../../../src/gateway/ai/protocols/google/generate-request.ts';
import { normalise, SHAPES } from '../../../../../src/gateway/ai/protocols/google/normalise.ts';
import { readRequest } from '../../../../../src/gateway/ai/protocols/google/read.ts';

const HI = [{ role: 'user', parts: [{ text: 'x' }] }];
const read = (fields: object) =>
  readRequest(normalise({ contents: HI, ...fields }, SHAPES.generate) as GenerateRequest, {
    model: 'm',
    stream: false,
  });
const unsupportedOf = (fields: object) => read(fields).unsupported.map(({ param }) => param);

const SIGNED = [{ type: 'thinking', thinking: 'hm', signature: 's' }];
const SIGNATURE = Buffer.from(JSON.stringify(SIGNED)).toString('base64');
const call = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

describe("the reader of Google's requests", () => {
  it('matches results to calls by id, else by name and order, and sends signed thoughts back', () => {
    const functionCall = (name: string, fields: object = {}) => ({
      functionCall: { name, args: { x: 1 }, ...fields },
    });
    const functionResponse = (name: string, response: object, fields: object = {}) => ({
      functionResponse: { name, response, ...fields },
    });
    const { chat, unsupported } = read({
      systemInstruction: { parts: [{ text: 'Be kind.' }] },
      contents: [
        ...HI,
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { text: 'I ' },
            { text: 'look.' },
            { ...functionCall('f'), thoughtSignature: SIGNATURE },
            functionCall('f', { id: 'b' }),
            { functionCall: { name: 'g' }, thoughtSignature: 'AAAA' },
          ],
        },
        {
          role: 'user',
          parts: [
            functionResponse('f', { result: 'two' }, { id: 'b' }),
            functionResponse('f', { error: { code: 7 } }),
            { text: 'and?' },
            functionResponse('g', { a: 1, b: 2 }),
          ],
        },
      ],
    });
    assert.deepEqual(unsupported, []);
    assert.deepEqual(chat.messages, [
      { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
      {
        role: 'assistant',
        content: 'I look.',
        thinking_blocks: SIGNED,
        tool_calls: [call('call_1_3', 'f', '{"x":1}'), call('b', 'f', '{"x":1}'), call('call_1_5', 'g', '{}')],
      },
      { role: 'tool', tool_call_id: 'b', content: 'two' },
      { role: 'tool', tool_call_id: 'call_1_3', content: '{"code":7}', is_error: true },
      { role: 'tool', tool_call_id: 'call_1_5', content: '{"a":1,"b":2}' },
      { role: 'user', content: [{ type: 'text', text: 'and?' }] },
    ]);
  });

  it('joins several contents of one model turn', () => {
    const { chat, locate } = read({
      contents: [
        ...HI,
        { role: 'model', parts: [{ text: 'I ' }] },
        { role: 'model', parts: [{ text: 'look.' }, { functionCall: { name: 'f' } }] },
        { role: 'model', parts: [{ functionCall: { name: 'f' } }] },
        {
          role: 'user',
          parts: ['a', 'b'].map((output) => ({ functionResponse: { name: 'f', response: { output } } })),
        },
        { role: 'model', parts: [{ text: 'So.' }] },
      ],
    });
    assert.deepEqual(chat.messages.slice(1), [
      {
        role: 'assistant',
        content: 'I look.',
        tool_calls: [call('call_2_1', 'f', '{}'), call('call_3_0', 'f', '{}')],
      },
      { role: 'tool', tool_call_id: 'call_2_1', content: 'a' },
      { role: 'tool', tool_call_id: 'call_3_0', content: 'b' },
      { role: 'assistant', content: 'So.' },
    ]);
    assert.equal(locate('messages[1]'), 'contents[1]');
    assert.equal(locate('messages[1].content[1]'), 'contents[2].parts[0]');
    assert.equal(locate('messages[4]'), 'contents[5]');
  });

  it('converts images, audio, documents and texts, also those of function results', () => {
    const inline = (mimeType: string) => ({ inlineData: { mimeType, data: 'YWJj' } });
    const { chat, unsupported } = read({
      contents: [
        {
          parts: [
            inline('image/png'),
            inline('audio/mpeg'),
            inline('application/pdf'),
            inline('text/csv'),
            { fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.png' } },
            { fileData: { mimeType: 'application/pdf', fileUri: 'https://example.com/a.pdf' } },
          ],
        },
        { role: 'model', parts: [{ functionCall: { id: 'a', name: 'f' } }] },
        {
          role: 'function',
          parts: [{ functionResponse: { name: 'f', response: { output: 'seen' }, parts: [inline('image/png')] } }],
        },
      ],
    });
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,YWJj' } };
    assert.deepEqual(unsupported, []);
    assert.deepEqual(chat.messages[0]?.content, [
      image,
      { type: 'input_audio', input_audio: { data: 'YWJj', format: 'mp3' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,YWJj' } },
      { type: 'file', file: { text: 'abc' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { file_url: 'https://example.com/a.pdf' } },
    ]);
    assert.deepEqual(chat.messages[2]?.content, [{ type: 'text', text: 'seen' }, image]);
  });

  it('converts tools, sampling, formats, thinking and service tiers', () => {
    const { chat, unsupported } = read({
      tools: [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'd',
              parameters: {
                type: 'OBJECT',
                properties: {
                  a: { type: 'ARRAY', items: { type: 'STRING', format: 'enum', enum: ['x'] }, maxItems: '3' },
                  b: { type: 'INTEGER', nullable: true },
                },
                propertyOrdering: ['b', 'a'],
              },
            },
          ],
        },
        { functionDeclarations: [{ name: 'g' }] },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 4,
        seed: 7,
        candidateCount: 2,
        maxOutputTokens: 9,
        stopSequences: ['END'],
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        responseLogprobs: true,
        logprobs: 3,
        responseModalities: ['TEXT'],
        thinkingConfig: { thinkingBudget: 500, includeThoughts: true },
      },
      safetySettings: [{ category: 'X', threshold: 'BLOCK_NONE' }],
      serviceTier: 'flex',
      labels: { a: 'b' },
    });
    const { messages: _messages, ...fields } = chat;
    assert.deepEqual(unsupported, []);
    const parameters = {
      type: 'object',
      properties: {
        b: { type: ['integer', 'null'] },
        a: { type: 'array', items: { type: 'string', enum: ['x'] }, maxItems: 3 },
      },
    };
    assert.deepEqual(Object.keys((fields.tools as [{ function: typeof parameters }])[0].function), [
      'name',
      'description',
      'parameters',
    ]);
    assert.deepEqual(fields, {
      model: 'm',
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      seed: 7,
      n: 2,
      max_completion_tokens: 9,
      stop: ['END'],
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      logprobs: true,
      top_logprobs: 3,
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters } },
        { type: 'function', function: { name: 'g', parameters: { type: 'object', properties: {} } } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      thinking: { type: 'enabled', budget_tokens: 1_024 },
      service_tier: 'flex',
    });
  });

  it('requests JSON as strictly as the schema allows', () => {
    const format = (generationConfig: object) => read({ generationConfig }).chat.response_format;
    const json = { responseMimeType: 'application/json' };
    const properties = { n: { type: 'STRING' } };
    assert.equal(format({}), undefined);
    assert.deepEqual(format(json), { type: 'json_object' });
    const closed = { type: 'object', properties: { n: { type: 'string' } }, additionalProperties: false };
    const schema = { type: 'OBJECT', properties };
    assert.deepEqual(format({ ...json, responseSchema: { ...schema, required: ['n'] } }), {
      type: 'json_schema',
      json_schema: { name: 'output', schema: { ...closed, required: ['n'] }, strict: true },
    });
    assert.deepEqual(format({ ...json, responseSchema: schema }), {
      type: 'json_schema',
      json_schema: { name: 'output', schema: closed },
    });
    const open = { type: 'object', properties: { n: {} } };
    assert.deepEqual(format({ ...json, responseJsonSchema: open }), {
      type: 'json_schema',
      json_schema: { name: 'output', schema: open },
    });
  });

  it('converts the function calling mode and the names of allowed functions', () => {
    const tools = [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }, { name: 'h' }] }];
    const choose = (mode: string, allowedFunctionNames: string[] = []) => {
      const config = { functionCallingConfig: { mode, allowedFunctionNames } };
      const { tool_choice, tools: left } = read({ tools, toolConfig: config }).chat;
      return [tool_choice, (left as { function: { name: string } }[]).map((each) => each.function.name).join('')];
    };
    assert.deepEqual(choose('AUTO'), ['auto', 'fgh']);
    assert.deepEqual(choose('NONE'), ['none', 'fgh']);
    assert.deepEqual(choose('ANY'), ['required', 'fgh']);
    assert.deepEqual(choose('ANY', ['g']), [{ type: 'function', function: { name: 'g' } }, 'fgh']);
    assert.deepEqual(choose('ANY', ['f', 'h']), ['required', 'fh']);
    assert.deepEqual(choose('VALIDATED', ['f', 'h']), ['auto', 'fh']);
  });

  it("reports fields that other providers lack, by Google's paths", () => {
    const config = (fields: object) => ({ generationConfig: fields });
    const parts = (...given: object[]) => ({ contents: [{ parts: [{ text: 'x' }, ...given] }] });
    for (const [fields, path] of [
      [{ cachedContent: 'c' }, 'cachedContent'],
      [{ x_new: 1 }, 'xNew'],
      [{ constructor: 1 }, 'constructor'],
      [{ store: true }, 'store'],
      [{ serviceTier: 'gold' }, 'serviceTier'],
      [{ safetySettings: [{ threshold: 'BLOCK_LOW_AND_ABOVE' }] }, 'safetySettings[0]'],
      [{ tools: [{ googleSearch: {} }] }, 'tools[0].googleSearch'],
      [
        { tools: [{ functionDeclarations: [{ name: 'f', behavior: 'NON_BLOCKING' }] }] },
        'tools[0].functionDeclarations[0].behavior',
      ],
      [{ toolConfig: { retrievalConfig: {} } }, 'toolConfig.retrievalConfig'],
      [config({ responseModalities: ['AUDIO'] }), 'generationConfig.responseModalities'],
      [config({ speechConfig: {} }), 'generationConfig.speechConfig'],
      [config({ responseMimeType: 'text/x.enum' }), 'generationConfig.responseMimeType'],
      [config({ thinkingConfig: { thinkingLevel: 'HUGE' } }), 'generationConfig.thinkingConfig.thinkingLevel'],
      [parts({ inlineData: { mimeType: 'video/mp4', data: '' } }), 'contents[0].parts[1].inlineData'],
      [parts({ fileData: { fileUri: 'gs://a/b' } }), 'contents[0].parts[1].fileData'],
      [
        parts({
          fileData: {
            mimeType: 'image/png',
            fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1',
          },
        }),
        'contents[0].parts[1].fileData',
      ],
      [parts({ executableCode: {} }), 'contents[0].parts[1]'],
    ] as const) {
      assert.deepEqual(unsupportedOf(fields), [path]);
    }
    const thought = { role: 'model', parts: [{ thought: true, text: 'hidden words' }] };
    const { unread } = read({ contents: [...HI, thought], x_new: { deep: 'secret words' } });
    for (const words of ['secret words', 'hidden words']) {
      assert.ok(
        unread.some((text) => text.includes(words)),
        'the detectors see it all the same',
      );
    }
  });

  it("maps a path of the pivot form to the client's path", () => {
    const { locate } = read({
      systemInstruction: { parts: [{ text: 'Be kind.' }] },
      contents: [
        ...HI,
        { role: 'model', parts: [{ functionCall: { id: 'a', name: 'f' } }] },
        { parts: [{ functionResponse: { name: 'f', response: {} } }, { text: 'x' }] },
      ],
      tools: [{ functionDeclarations: [{ name: 'f' }] }, { functionDeclarations: [{ name: 'g' }] }],
    });
    for (const [pivot, own] of [
      ['messages[0].content', 'systemInstruction'],
      ['messages[1].content[0].image_url', 'contents[0].parts[0]'],
      ['messages[3].tool_call_id', 'contents[2].parts[0].functionResponse'],
      ['messages[4].content[0].text', 'contents[2].parts[1]'],
      ['tools[1].function.name', 'tools[1].functionDeclarations[0]'],
      ['stop', 'generationConfig.stopSequences'],
      ['response_format.json_schema', 'generationConfig.responseMimeType'],
      ['x', 'x'],
    ] as const) {
      assert.equal(locate(pivot), own, pivot);
    }
  });
});
