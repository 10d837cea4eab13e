/** Requests of each feature, as each client protocol writes them; see also `parameters-fixture.ts`. */

/** Request bodies of one feature, by client protocol. */
export interface RequestByProtocol {
  readonly chat?: object;
  readonly responses?: object;
  readonly messages?: object;
  readonly generate?: object;
}

export interface Feature {
  readonly name: string;
  readonly request: RequestByProtocol;
  /** The same request without the feature, if it is not the plain request. */
  readonly without?: RequestByProtocol;
  /** True if the gateway enforces the feature in the response when the provider has no such setting. */
  readonly is_enforced?: boolean;
}

export const HI = 'Hi';
const BRIEF = 'Be brief.';
const PNG = 'data:image/png;base64,AAAA';
const PDF = 'data:application/pdf;base64,AAAA';
const PNG_URL = 'https://example.com/a.png';
const PDF_URL = 'https://example.com/a.pdf';
export const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const FUNCTION = { name: 'f', description: 'F', parameters: SCHEMA };

export const chat = (fields: object, content: unknown = HI) => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  ...fields,
});
export const responses = (fields: object, content: unknown = HI) => ({
  model: 'm',
  store: false,
  input: [{ role: 'user', content }],
  ...fields,
});
export const messages = (fields: object, content: unknown = HI) => ({
  model: 'm',
  max_tokens: 50,
  messages: [{ role: 'user', content }],
  ...fields,
});
export const generate = (fields: object, ...parts: object[]) => ({
  contents: [{ role: 'user', parts: parts.length === 0 ? [{ text: HI }] : parts }],
  ...fields,
});
export const configured = (generationConfig: object) => generate({ generationConfig });

export const PLAIN: Required<RequestByProtocol> = {
  chat: chat({}),
  responses: responses({}),
  messages: messages({}),
  generate: generate({}),
};

const TOOLS: Required<RequestByProtocol> = {
  chat: chat({ tools: [{ type: 'function', function: FUNCTION }] }),
  responses: responses({ tools: [{ type: 'function', ...FUNCTION, strict: false }] }),
  messages: messages({ tools: [{ name: 'f', description: 'F', input_schema: SCHEMA }] }),
  generate: generate({ tools: [{ functionDeclarations: [FUNCTION] }] }),
};
const withTools = (request: RequestByProtocol): RequestByProtocol =>
  Object.fromEntries(
    Object.entries(request).map(([protocol, fields]) => [
      protocol,
      { ...TOOLS[protocol as keyof RequestByProtocol], ...(fields as object) },
    ]),
  );

const CALL = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"city":"Paris"}' } };
const INPUT = { city: 'Paris' };
const toolLoop = (result: Partial<Record<keyof RequestByProtocol, unknown>>, more: object = {}): RequestByProtocol => {
  const user = { role: 'user', content: HI };
  return withTools({
    ...('chat' in result
      ? {
          chat: {
            messages: [
              user,
              { role: 'assistant', content: null, tool_calls: [CALL] },
              { role: 'tool', tool_call_id: CALL.id, content: result.chat },
            ],
          },
        }
      : {}),
    ...('responses' in result
      ? {
          responses: {
            input: [
              user,
              { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"city":"Paris"}' },
              { type: 'function_call_output', call_id: 'call_1', output: result.responses },
            ],
          },
        }
      : {}),
    ...('messages' in result
      ? {
          messages: {
            messages: [
              user,
              { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'f', input: INPUT }] },
              {
                role: 'user',
                content: [{ type: 'tool_result', tool_use_id: 'call_1', content: result.messages, ...more }],
              },
            ],
          },
        }
      : {}),
    ...('generate' in result
      ? {
          generate: {
            contents: [
              { role: 'user', parts: [{ text: HI }] },
              { role: 'model', parts: [{ functionCall: { name: 'f', args: INPUT } }] },
              { role: 'user', parts: [{ functionResponse: { name: 'f', response: result.generate } }] },
            ],
          },
        }
      : {}),
  });
};

const anthropicImage = (source: object) => ({ type: 'image', source });
const BASE64_PNG = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
export const textPart = (text: string) => ({ type: 'text', text });

export const CONTENT_FEATURES: readonly Feature[] = [
  {
    name: 'text',
    request: PLAIN,
    without: {
      chat: chat({}, 'x'),
      responses: responses({}, 'x'),
      messages: messages({}, 'x'),
      generate: generate({}, { text: 'x' }),
    },
  },
  {
    name: 'system instructions',
    request: {
      chat: chat({
        messages: [
          { role: 'system', content: BRIEF },
          { role: 'user', content: HI },
        ],
      }),
      responses: responses({ instructions: BRIEF }),
      messages: messages({ system: BRIEF }),
      generate: generate({ systemInstruction: { parts: [{ text: BRIEF }] } }),
    },
  },
  {
    name: 'developer instructions',
    request: {
      chat: chat({
        messages: [
          { role: 'developer', content: BRIEF },
          { role: 'user', content: HI },
        ],
      }),
      responses: responses({
        input: [
          { role: 'developer', content: BRIEF },
          { role: 'user', content: HI },
        ],
      }),
    },
  },
  {
    name: 'image, inline',
    request: {
      chat: chat({}, [textPart(HI), { type: 'image_url', image_url: { url: PNG } }]),
      responses: responses({}, [
        { type: 'input_text', text: HI },
        { type: 'input_image', image_url: PNG, detail: 'auto' },
      ]),
      messages: messages({}, [textPart(HI), anthropicImage(BASE64_PNG)]),
      generate: generate({}, { text: HI }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }),
    },
  },
  {
    name: 'image, by URL',
    request: {
      chat: chat({}, [textPart(HI), { type: 'image_url', image_url: { url: PNG_URL } }]),
      responses: responses({}, [
        { type: 'input_text', text: HI },
        { type: 'input_image', image_url: PNG_URL, detail: 'auto' },
      ]),
      messages: messages({}, [textPart(HI), anthropicImage({ type: 'url', url: PNG_URL })]),
      generate: generate({}, { text: HI }, { fileData: { mimeType: 'image/png', fileUri: PNG_URL } }),
    },
  },
  {
    name: 'PDF, inline',
    request: {
      chat: chat({}, [textPart(HI), { type: 'file', file: { filename: 'a.pdf', file_data: PDF } }]),
      responses: responses({}, [
        { type: 'input_text', text: HI },
        { type: 'input_file', filename: 'a.pdf', file_data: PDF },
      ]),
      messages: messages({}, [
        textPart(HI),
        { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } },
      ]),
      generate: generate({}, { text: HI }, { inlineData: { mimeType: 'application/pdf', data: 'AAAA' } }),
    },
  },
  {
    name: 'PDF, by URL',
    request: {
      responses: responses({}, [
        { type: 'input_text', text: HI },
        { type: 'input_file', file_url: PDF_URL },
      ]),
      messages: messages({}, [textPart(HI), { type: 'document', source: { type: 'url', url: PDF_URL } }]),
      generate: generate({}, { text: HI }, { fileData: { mimeType: 'application/pdf', fileUri: PDF_URL } }),
    },
  },
  {
    name: 'text document',
    request: {
      messages: messages({}, [
        textPart(HI),
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'T' } },
      ]),
      generate: generate({}, { text: HI }, { inlineData: { mimeType: 'text/plain', data: 'VA==' } }),
    },
  },
  {
    name: 'file stored by the provider',
    request: {
      chat: chat({}, [textPart(HI), { type: 'file', file: { file_id: 'file-1' } }]),
      responses: responses({}, [
        { type: 'input_text', text: HI },
        { type: 'input_file', file_id: 'file-1' },
      ]),
      messages: messages({}, [textPart(HI), { type: 'document', source: { type: 'file', file_id: 'file_1' } }]),
    },
  },
  {
    name: 'audio input',
    request: {
      chat: chat({}, [textPart(HI), { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }]),
      generate: generate({}, { text: HI }, { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }),
    },
  },
  { name: 'tools', request: TOOLS },
  {
    name: 'strict tools',
    request: {
      chat: chat({ tools: [{ type: 'function', function: { ...FUNCTION, strict: true } }] }),
      responses: responses({ tools: [{ type: 'function', ...FUNCTION, strict: true }] }),
      messages: messages({ tools: [{ name: 'f', description: 'F', input_schema: SCHEMA, strict: true }] }),
    },
    without: TOOLS,
  },
  {
    name: 'any tool required',
    request: withTools({
      chat: { tool_choice: 'required' },
      responses: { tool_choice: 'required' },
      messages: { tool_choice: { type: 'any' } },
      generate: { toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
    }),
    without: TOOLS,
  },
  {
    name: 'named tool required',
    request: withTools({
      chat: { tool_choice: { type: 'function', function: { name: 'f' } } },
      responses: { tool_choice: { type: 'function', name: 'f' } },
      messages: { tool_choice: { type: 'tool', name: 'f' } },
      generate: { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } } },
    }),
    without: TOOLS,
  },
  {
    name: 'one tool call at a time',
    request: withTools({
      chat: { parallel_tool_calls: false },
      responses: { parallel_tool_calls: false },
      messages: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    }),
    without: TOOLS,
    is_enforced: true,
  },
  {
    name: 'tool calls and results',
    request: toolLoop({ chat: '21', responses: '21', messages: '21', generate: { output: '21' } }),
    without: TOOLS,
  },
  {
    name: 'failed tool result',
    request: toolLoop({ messages: 'no such city' }, { is_error: true }),
    without: toolLoop({ messages: 'no such city' }),
  },
  {
    name: 'image in a tool result',
    request: toolLoop({
      responses: [{ type: 'input_image', image_url: PNG, detail: 'auto' }],
      messages: [anthropicImage(BASE64_PNG)],
    }),
    without: toolLoop({ responses: '', messages: '' }),
  },
  {
    name: 'hosted tools',
    request: {
      chat: chat({ web_search_options: {} }),
      responses: responses({ tools: [{ type: 'web_search' }] }),
      messages: messages({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
      generate: generate({ tools: [{ googleSearch: {} }] }),
    },
  },
];
