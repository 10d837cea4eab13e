import {
  createTally,
  isJsonObject,
  type Json,
  type PromptTally,
  type SandboxCall,
  SandboxRefusal,
  type SandboxReply,
  type SandboxTool,
  tokensOf,
  type Wire,
} from './call.ts';

/** When every reply of the sandbox was made: the same request gets the same bytes at any time. */
export const CREATED_S = 1_767_225_600;

/** OpenAI's chat completions. */
export const openAiWire: Wire = {
  protocol: 'openai',
  request_id_header: 'x-request-id',
  parse,
  whole: (call, reply, seed) => ({
    id: `chatcmpl-${seed}`,
    object: 'chat.completion',
    created: CREATED_S,
    model: call.model,
    choices: [{ index: 0, message: messageOf(reply, seed), logprobs: null, finish_reason: reply.finish }],
    usage: usageOf(call, reply),
    service_tier: 'default',
    system_fingerprint: 'fp_sandbox',
  }),
  frames,
  error: ({ status, message, param }) => ({
    error: {
      message,
      type: ERROR_TYPES.get(status) ?? typeOf(status),
      param,
      code: ERROR_CODES.get(status) ?? null,
    },
  }),
  errorFrame: () =>
    'data: {"error":{"message":"The server had an error while processing your request.","type":"server_error","param":null,"code":null}}\n\n',
  wrongFrame: () => 'data: {"id":1,"object":null,"choices":7,"usage":{"prompt_tokens":"many"}}\n\n',
};

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'invalid_request_error'],
  [403, 'permission_error'],
  [429, 'rate_limit_error'],
]);
const ERROR_CODES: ReadonlyMap<number, string> = new Map([
  [401, 'invalid_api_key'],
  [404, 'model_not_found'],
  [429, 'rate_limit_exceeded'],
]);
const typeOf = (status: number): string => (status < 500 ? 'invalid_request_error' : 'server_error');

function parse(body: Json): SandboxCall {
  const { model, messages, max_completion_tokens, max_tokens, stream_options } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new SandboxRefusal(400, "Missing required parameter: 'messages'.", 'messages');
  }
  const tally = createTally();
  let user_text = '';
  let tool_result: string | null = null;
  let role_before: unknown = null;
  for (const [index, message] of messages.entries()) {
    const { role, text } = readMessage(message, index, tally);
    if (role === 'user') user_text = role_before === 'user' ? user_text + text : text;
    role_before = role;
    if (role === 'tool') tool_result = (tool_result ?? '') + text;
    else tool_result = null;
  }
  const format = isJsonObject(body.response_format) ? body.response_format : {};
  const json_schema = isJsonObject(format.json_schema) ? format.json_schema.schema : undefined;
  const limit = max_completion_tokens ?? max_tokens;
  const tools = toolsOf(body.tools, tally);
  return {
    model,
    stream: body.stream === true,
    include_usage: isJsonObject(stream_options) && stream_options.include_usage === true,
    prompt_tokens: tokensOf(tally.chars, tally.images),
    user_text,
    images: tally.images,
    tool_result,
    tools,
    tool_choice: choiceOf(body.tool_choice),
    parallel_tool_calls: body.parallel_tool_calls !== false,
    schema: isJsonObject(json_schema)
      ? json_schema
      : format.type === 'json_object'
        ? { type: 'object' }
        : null,
    max_tokens: typeof limit === 'number' ? limit : null,
  };
}

const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

const readMessage = (
  message: unknown,
  index: number,
  tally: PromptTally,
): { role: unknown; text: string } => {
  if (!isJsonObject(message) || !ROLES.has(message.role)) {
    throw new SandboxRefusal(400, `Invalid value: 'messages[${index}].role'.`, `messages[${index}].role`);
  }
  const { role, content, tool_calls } = message;
  const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
  let text = '';
  for (const part of parts) {
    if (!isJsonObject(part))
      throw new SandboxRefusal(400, 'Invalid content part.', `messages[${index}].content`);
    if (part.type === 'image_url') tally.image();
    else if (typeof part.text === 'string') text += part.text;
    else if (part.type === 'file' && isJsonObject(part.file)) continue;
    else throw new SandboxRefusal(400, 'Invalid content part.', `messages[${index}].content`);
  }
  tally.text(text);
  for (const call of Array.isArray(tool_calls) ? (tool_calls as unknown[]) : []) {
    const called = isJsonObject(call) && isJsonObject(call.function) ? call.function : {};
    tally.text(String(called.name) + String(called.arguments));
  }
  return { role, text };
};

const toolsOf = (tools: unknown, tally: PromptTally): readonly SandboxTool[] =>
  (Array.isArray(tools) ? (tools as unknown[]) : []).map((tool, index) => {
    const given = isJsonObject(tool) ? tool.function : undefined;
    if (!isJsonObject(given) || typeof given.name !== 'string') {
      throw new SandboxRefusal(
        400,
        `Missing required parameter: 'tools[${index}].function.name'.`,
        `tools[${index}]`,
      );
    }
    const schema = isJsonObject(given.parameters) ? given.parameters : { type: 'object', properties: {} };
    tally.text(given.name + String(given.description ?? '') + JSON.stringify(schema));
    return { name: given.name, schema };
  });

const choiceOf = (choice: unknown): SandboxCall['tool_choice'] => {
  if (choice === 'none' || choice === 'required') return choice;
  if (isJsonObject(choice) && isJsonObject(choice.function)) return { name: String(choice.function.name) };
  return 'auto';
};

const messageOf = (reply: SandboxReply, seed: string): Json => ({
  role: 'assistant',
  content: reply.tool_calls.length > 0 ? null : reply.pieces.join(''),
  ...(reply.tool_calls.length > 0 ? { tool_calls: callsOf(reply, seed) } : {}),
  refusal: null,
  annotations: [],
});

const callsOf = (reply: SandboxReply, seed: string): Json[] =>
  reply.tool_calls.map(({ name, input }, index) => ({
    id: `call_${seed.slice(0, 20)}${index}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));

const usageOf = (call: SandboxCall, reply: SandboxReply): Json => ({
  prompt_tokens: call.prompt_tokens,
  completion_tokens: reply.completion_tokens,
  total_tokens: call.prompt_tokens + reply.completion_tokens,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
});

const ARGUMENTS_PIECE_CHARS = 8;

function frames(call: SandboxCall, reply: SandboxReply, seed: string): string[] {
  const head = `data: {"id":"chatcmpl-${seed}","object":"chat.completion.chunk","created":${CREATED_S},"model":${JSON.stringify(call.model)},"service_tier":"default","system_fingerprint":"fp_sandbox"`;
  const tail = call.include_usage ? ',"usage":null}\n\n' : '}\n\n';
  const frame = (delta: string, finish: string): string =>
    `${head},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${tail}`;
  const out = [frame('{"role":"assistant","content":"","refusal":null}', 'null')];
  for (const piece of reply.pieces) out.push(frame(`{"content":${JSON.stringify(piece)}}`, 'null'));
  for (const [index, tool_call] of callsOf(reply, seed).entries()) {
    const { name, arguments: text } = tool_call.function as { name: string; arguments: string };
    const start = { index, ...tool_call, function: { name, arguments: '' } };
    out.push(frame(JSON.stringify({ tool_calls: [start] }), 'null'));
    for (let at = 0; at < text.length; at += ARGUMENTS_PIECE_CHARS) {
      const piece = { index, function: { arguments: text.slice(at, at + ARGUMENTS_PIECE_CHARS) } };
      out.push(frame(JSON.stringify({ tool_calls: [piece] }), 'null'));
    }
  }
  out.push(frame('{}', JSON.stringify(reply.finish)));
  if (call.include_usage)
    out.push(`${head},"choices":[],"usage":${JSON.stringify(usageOf(call, reply))}}\n\n`);
  out.push('data: [DONE]\n\n');
  return out;
}
