import assert from 'node:assert/strict';
import { bodyText } from '../../src/core/body.ts';
import type { ChatRequest, JsonObject } from '../../src/providers/chat-form.ts';
import { createUnsupportedFields } from '../../src/providers/unsupported-fields.ts';
import { adapters, STRICT, upstreamAt } from './support.ts';

const adapter = adapters.google;
const upstream = upstreamAt('https://api.example.com', 'google');
const HI = [{ role: 'user', content: 'hi' }];

interface Body {
  readonly contents: readonly { readonly role: string; readonly parts: readonly JsonObject[] }[];
  readonly systemInstruction?: JsonObject;
  readonly generationConfig?: JsonObject;
  readonly tools?: readonly JsonObject[];
  readonly toolConfig?: { readonly functionCallingConfig: JsonObject };
  readonly serviceTier?: string;
}

const translate = (fields: object, model = 'gemini-3.5-flash', unsupported = STRICT): Body => {
  const chat = { model: 'alias', messages: HI, ...fields } as ChatRequest;
  return JSON.parse(bodyText(adapter.chat.request(chat, { model, stream: false, upstream }, unsupported).body));
};

/** Paths of the unsupported fields of a request. */
const unsupportedOf = (fields: object, model?: string): readonly string[] => {
  const unsupported = createUnsupportedFields(true);
  translate(fields, model, unsupported);
  return unsupported.paths;
};

const call = (id: string, args = '{"a":1}', more: object = {}) => ({
  id,
  type: 'function',
  function: { name: `f_${id}`, arguments: args },
  ...more,
});
const tool = (fields: object = {}) => ({
  type: 'function',
  function: { name: 'f', parameters: { type: 'object', properties: { a: { pattern: 'x' } } }, ...fields },
});

describe('a request for Google', () => {
  it("is sent to the method of the model with the key in Google's own header", () => {
    const chat = { model: 'a', messages: HI };
    const plain = adapter.chat.request(chat, { model: 'gemini/x', stream: false, upstream }, STRICT);
    assert.equal(plain.path, '/v1beta/models/gemini%2Fx:generateContent');
    assert.equal(plain.headers['x-goog-api-key'], upstream.api_key);
    const tuned = adapter.chat.request(chat, { model: 'tunedModels/x', stream: false, upstream }, STRICT);
    assert.equal(tuned.path, '/v1beta/tunedModels/x:generateContent');
    const streamed = adapter.chat.request(chat, { model: 'gemini', stream: true, upstream }, STRICT);
    assert.equal(streamed.path, '/v1beta/models/gemini:streamGenerateContent?alt=sse');
    assert.equal(streamed.body, '{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}');
    const counted = adapter.count_tokens!.request(chat, { model: 'g', stream: false, upstream }, STRICT);
    assert.equal(counted.path, '/v1beta/models/g:countTokens');
    assert.equal(JSON.parse(bodyText(counted.body)).generateContentRequest.model, 'models/g');
  });

  it('separates system prompts, and puts the results of parallel calls into one content', () => {
    const body = translate({
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', content: 'go' },
        { role: 'assistant', content: 'I look.', tool_calls: [call('1'), call('2', '')] },
        { role: 'tool', tool_call_id: '1', content: 'one' },
        { role: 'tool', tool_call_id: '2', content: [{ type: 'text', text: 'two' }], is_error: true },
        { role: 'user', content: 'and?' },
      ],
    });
    assert.deepEqual(body.systemInstruction, { parts: [{ text: 'Be kind.' }, { text: 'Be brief.' }] });
    assert.deepEqual(body.contents, [
      { role: 'user', parts: [{ text: 'go' }] },
      {
        role: 'model',
        parts: [
          { text: 'I look.' },
          {
            functionCall: { id: '1', name: 'f_1', args: { a: 1 } },
            thoughtSignature: 'skip_thought_signature_validator',
          },
          { functionCall: { id: '2', name: 'f_2', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: '1', name: 'f_1', response: { output: 'one' } } },
          { functionResponse: { id: '2', name: 'f_2', response: { error: 'two' } } },
        ],
      },
      { role: 'user', parts: [{ text: 'and?' }] },
    ]);
  });

  it("contains Google's own signatures of calls and texts, in whatever form the client kept them", () => {
    const blocks = [
      { type: 'redacted_thinking', data: 'onevault.google:1:c2ln' },
      { type: 'redacted_thinking', data: 'onevault.google::dGV4dA==' },
      { type: 'thinking', thinking: 'hm', signature: 'of another' },
    ];
    const answers = ['1', '2'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'x' }));
    const partsWith = (message: object, model?: string) =>
      translate(
        { messages: [{ role: 'assistant', content: 'I look.', ...message }, ...answers] },
        model,
      ).contents[0]!.parts.map((part: JsonObject) => part.thoughtSignature);
    const on_calls = { extra_content: { google: { thought_signature: 'b24=' } } };
    const [one, two] = [call('1'), call('2')];
    assert.deepEqual(partsWith({ thinking_blocks: blocks, tool_calls: [one, two] }), ['dGV4dA==', 'c2ln', undefined]);
    assert.deepEqual(partsWith({ tool_calls: [call('1', '', on_calls), two] }), [undefined, 'b24=', undefined]);
    const unsigned = [undefined, 'skip_thought_signature_validator', undefined];
    assert.deepEqual(partsWith({ tool_calls: [one, two] }), unsigned);
    assert.deepEqual(partsWith({ tool_calls: [one, two] }, 'gemini-2.5-pro'), [undefined, undefined, undefined]);
  });

  it("is the only one that contains Google's signatures", () => {
    const thinking_blocks = [{ type: 'redacted_thinking', data: 'onevault.google:1:c2ln' }];
    const messages = [...HI, { role: 'assistant', content: 'x', thinking_blocks }];
    for (const other of [adapters.anthropic, adapters.openai]) {
      const { body } = other.chat.request({ model: 'm', messages }, { model: 'm', stream: false, upstream }, STRICT);
      assert.ok(!bodyText(body).includes('onevault.google'));
    }
  });

  it('contains images, audio and files, and has them within tool results if the model supports that', () => {
    const parts = (content: readonly object[], model?: string) =>
      translate({ messages: [{ role: 'user', content }] }, model).contents[0]!.parts;
    const image = (url: string, more: object = {}) => ({ type: 'image_url', image_url: { url, ...more } });
    const file = (fields: object) => ({ type: 'file', file: fields });
    assert.deepEqual(
      parts([
        image('data:image/jpg;base64,AAAA', { detail: 'low' }),
        image('https://example.com/a.PNG?x=1'),
        { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
        file({ filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' }),
        file({ file_url: 'https://example.com/a' }),
        file({ filename: 'T', context: 'C', text: 'body' }),
      ]),
      [
        {
          inlineData: { mimeType: 'image/jpeg', data: 'AAAA' },
          mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' },
        },
        { fileData: { mimeType: 'image/png', fileUri: 'https://example.com/a.PNG?x=1' } },
        { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
        { text: 'a.pdf' },
        { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
        { fileData: { mimeType: 'application/pdf', fileUri: 'https://example.com/a' } },
        { text: 'T\nC' },
        { text: 'body' },
      ],
    );
    const messages = [
      { role: 'assistant', content: null, tool_calls: [call('1')] },
      {
        role: 'tool',
        tool_call_id: '1',
        content: [{ type: 'text', text: 'seen' }, image('data:image/png;base64,AAAA')],
      },
    ];
    const inlineData = { mimeType: 'image/png', data: 'AAAA' };
    const functionResponse = { id: '1', name: 'f_1', response: { output: 'seen' } };
    assert.deepEqual(translate({ messages }).contents[1]!.parts, [
      { functionResponse: { ...functionResponse, parts: [{ inlineData }] } },
    ]);
    assert.deepEqual(translate({ messages }, 'gemini-2.5-pro').contents[1]!.parts, [
      { functionResponse },
      { inlineData },
    ]);
  });

  it('contains sampling, limits, stop sequences, formats, log probabilities and service tiers', () => {
    const schema = { type: 'object', properties: { n: { type: 'integer', minimum: 1 } } };
    const body = translate({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      seed: 7,
      n: 2,
      stop: 'END',
      max_tokens: 9,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      logprobs: true,
      top_logprobs: 3,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
      service_tier: 'flex',
      user: 'u',
      metadata: { a: 'b' },
      store: false,
    });
    assert.equal(body.serviceTier, 'flex');
    assert.deepEqual(body.generationConfig, {
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      seed: 7,
      candidateCount: 2,
      stopSequences: ['END'],
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
      maxOutputTokens: 9,
    });
    const { generationConfig } = translate({ response_format: { type: 'json_object' } });
    assert.deepEqual(generationConfig, { responseMimeType: 'application/json' });
  });

  it('sets a thinking level or a thinking budget, whichever the model supports', () => {
    const thinking = (fields: object, model?: string) => translate(fields, model).generationConfig?.thinkingConfig;
    const enabled = { type: 'enabled', budget_tokens: 50_000 };
    for (const [fields, third, second] of [
      [{ reasoning_effort: 'minimal' }, { thinkingLevel: 'MINIMAL' }, { thinkingBudget: 1_024 }],
      [{ reasoning_effort: 'high' }, { thinkingLevel: 'HIGH' }, { thinkingBudget: 24_576 }],
      [{ reasoning_effort: 'max' }, { thinkingLevel: 'HIGH' }, { thinkingBudget: 24_576 }],
      [{ thinking: { type: 'adaptive' } }, { includeThoughts: true }, { includeThoughts: true }],
      [{}, undefined, undefined],
    ] as const) {
      assert.deepEqual(thinking(fields), third);
      assert.deepEqual(thinking(fields, 'gemini-2.5-flash'), second);
    }
    assert.deepEqual(thinking({ thinking: enabled }), { thinkingBudget: 24_576, includeThoughts: true });
    assert.deepEqual(thinking({ thinking: { ...enabled, display: 'omitted' } }), { thinkingBudget: 24_576 });
    const both = { thinking: { type: 'adaptive' }, reasoning_effort: 'low' };
    assert.deepEqual(thinking(both), { thinkingLevel: 'LOW', includeThoughts: true });
    assert.deepEqual(thinking({ reasoning_effort: 'none' }, 'gemini-2.5-flash'), { thinkingBudget: 0 });
    assert.deepEqual(unsupportedOf({ reasoning_effort: 'none' }), ['reasoning_effort']);
    assert.deepEqual(unsupportedOf({ thinking: { type: 'disabled' } }), ['thinking']);
  });

  it('contains the tool choice, and enforces the schemas of strict tools', () => {
    const mode = (fields: object, tools: readonly object[] = [tool()]) =>
      translate({ tools, ...fields }).toolConfig?.functionCallingConfig;
    const strict = tool({ strict: true, parameters: { type: 'object', properties: {} } });
    const named = { type: 'function', function: { name: 'f' } };
    const allowed = (how: string) => ({
      type: 'allowed_tools',
      allowed_tools: { mode: how, tools: [named] },
    });
    assert.equal(mode({}), undefined);
    assert.deepEqual(mode({ tool_choice: 'auto' }), { mode: 'AUTO' });
    assert.deepEqual(mode({ tool_choice: 'required' }), { mode: 'ANY' });
    assert.deepEqual(mode({ tool_choice: 'none' }), { mode: 'NONE' });
    assert.deepEqual(mode({ tool_choice: named }), { mode: 'ANY', allowedFunctionNames: ['f'] });
    const [required, auto] = [allowed('required'), allowed('auto')];
    assert.deepEqual(mode({ tool_choice: required }), { mode: 'ANY', allowedFunctionNames: ['f'] });
    assert.deepEqual(mode({ tool_choice: auto }), { mode: 'VALIDATED', allowedFunctionNames: ['f'] });
    assert.deepEqual(mode({}, [strict]), { mode: 'VALIDATED' });
    const { tools } = translate({ tools: [tool({ description: 'd' }), strict] });
    assert.deepEqual(tools?.[0]?.functionDeclarations, [
      { name: 'f', description: 'd', parametersJsonSchema: tool().function.parameters },
      { name: 'f', parametersJsonSchema: { type: 'object', properties: {} } },
    ]);
  });

  it('is refused with the name of a field that Google does not support', () => {
    const text = (content: readonly object[]) => ({ messages: [{ role: 'user', content }] });
    const held = (schema: object) => ({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
    });
    const nested = held({ type: 'object', properties: { a: { items: [{}], not: {} } } });
    for (const [fields, path] of [
      [{ logit_bias: { 1: 2 } }, 'logit_bias'],
      [{ verbosity: 'low' }, 'verbosity'],
      [{ modalities: ['audio'] }, 'modalities'],
      [{ x_new: 1 }, 'x_new'],
      [{ constructor: 1 }, 'constructor'],
      [{ stop: ['a', 'b', 'c', 'd', 'e', 'f'] }, 'stop'],
      [{ tools: [{ type: 'custom' }] }, 'tools[0].type'],
      [{ tools: [tool({ strict: true })] }, 'tools[0].function.parameters.properties.a.pattern'],
      [{ tools: [tool()], tool_choice: { type: 'custom' } }, 'tool_choice'],
      [held({ type: 'string', minLength: 1 }), 'response_format.json_schema.schema.minLength'],
      [held({ anyOf: [{}, { if: {} }] }), 'response_format.json_schema.schema.anyOf[1].if'],
      [nested, 'response_format.json_schema.schema.properties.a.not'],
      [{ messages: [{ role: 'function', content: 'x' }] }, 'messages[0].role'],
      [text([{ type: 'video' }]), 'messages[0].content[0].type'],
      [text([{ type: 'file', file: { file_id: 'f' } }]), 'messages[0].content[0].file'],
      [text([{ type: 'image_url', image_url: { url: 'https://x.y/z' } }]), 'messages[0].content[0].image_url.url'],
    ] as const) {
      assert.deepEqual(unsupportedOf(fields), [path]);
      assert.throws(() => translate(fields), { code: 'unsupported_feature', param: path });
    }
    const detail = text([{ type: 'image_url', image_url: { url: 'data:;base64,', detail: 'low' } }]);
    assert.deepEqual(unsupportedOf(detail, 'gemini-2.5-pro'), ['messages[0].content[0].image_url.detail']);
    const loose = {
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { not: {} } } },
    };
    assert.deepEqual(unsupportedOf(loose), [], 'a schema that is not strict is a preference');
  });

  it('is refused with the name of a malformed field', () => {
    for (const [fields, param] of [
      [{ messages: 7 }, 'messages'],
      [{ messages: [7] }, 'messages[0]'],
      [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
      [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
      [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].tool_call_id'],
      [{ messages: [{ role: 'tool', tool_call_id: 'x', content: '' }] }, 'messages[0].tool_call_id'],
      [
        { messages: [{ role: 'assistant', tool_calls: [call('1', '[')] }] },
        'messages[0].tool_calls[0].function.arguments',
      ],
      [{ tools: 7 }, 'tools'],
      [{ tools: [{ type: 'function' }] }, 'tools[0].function.name'],
      [{ stop: [7] }, 'stop'],
      [{ reasoning_effort: 'huge' }, 'reasoning_effort'],
      [{ thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
      [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
    ] as const) {
      assert.throws(() => translate(fields), { code: 'invalid_request', param });
    }
  });
});
