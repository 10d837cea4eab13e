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

/** Anthropic's messages. */
export const anthropicWire: Wire = {
  protocol: 'anthropic',
  request_id_header: 'request-id',
  parse: (body) => {
    if (typeof body.max_tokens !== 'number') throw new SandboxRefusal(400, 'max_tokens: Field required');
    return parseAnthropic(body);
  },
  whole: (call, reply, seed) => ({
    id: `msg_${seed}`,
    type: 'message',
    role: 'assistant',
    model: call.model,
    content:
      reply.tool_calls.length > 0 ? usesOf(reply, seed) : [{ type: 'text', text: reply.pieces.join('') }],
    stop_reason: STOP_REASONS[reply.finish],
    stop_sequence: null,
    usage: usageOf(call, reply.completion_tokens),
  }),
  frames,
  error: ({ status, message }, request_id) => ({
    type: 'error',
    error: {
      type: ERROR_TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message,
    },
    request_id,
  }),
  errorFrame: () => event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
  wrongFrame: () => event('message_start', { message: 7 }),
};

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
]);

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const;

/** A call as `count_tokens` takes it: without a limit of tokens. @throws SandboxRefusal */
export const parseAnthropic = (body: Json): SandboxCall => {
  const { model, messages, max_tokens, temperature, tool_choice } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'model: Field required');
  if (!Array.isArray(messages) || messages.length === 0)
    throw new SandboxRefusal(400, 'messages: Field required');
  if (typeof temperature === 'number' && (temperature < 0 || temperature > 1)) {
    throw new SandboxRefusal(400, 'temperature: range: 0..1');
  }
  const tally = createTally();
  readContent(body.system, 'system', tally);
  let user_text = '';
  let tool_result: string | null = null;
  for (const [index, message] of messages.entries()) {
    if (!isJsonObject(message) || (message.role !== 'user' && message.role !== 'assistant')) {
      throw new SandboxRefusal(400, `messages.${index}.role: Input should be 'user' or 'assistant'`);
    }
    const { text, result } = readContent(message.content, `messages.${index}`, tally);
    tool_result = message.role === 'user' && text === '' ? result : null;
    if (message.role === 'user' && (text !== '' || result === null)) user_text = text;
  }
  const output = isJsonObject(body.output_config) ? body.output_config : {};
  const format = isJsonObject(output.format) ? output.format : {};
  const tools = toolsOf(body.tools, tally);
  return {
    model,
    stream: body.stream === true,
    include_usage: true,
    prompt_tokens: tokensOf(tally.chars, tally.images),
    user_text,
    images: tally.images,
    tool_result,
    tools,
    tool_choice: choiceOf(tool_choice),
    parallel_tool_calls: !(isJsonObject(tool_choice) && tool_choice.disable_parallel_tool_use === true),
    schema: isJsonObject(format.schema) ? format.schema : null,
    max_tokens: typeof max_tokens === 'number' ? max_tokens : null,
  };
};

const readContent = (
  content: unknown,
  at: string,
  tally: PromptTally,
): { text: string; result: string | null } => {
  let text = '';
  let result: string | null = null;
  const blocks: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
  for (const block of blocks) {
    if (!isJsonObject(block)) throw new SandboxRefusal(400, `${at}.content: Input should be an object`);
    switch (block.type) {
      case 'text':
        if (typeof block.text !== 'string')
          throw new SandboxRefusal(400, `${at}.content: text: Field required`);
        text += block.text;
        tally.text(block.text);
        break;
      case 'image':
        tally.image();
        break;
      case 'tool_use':
        tally.text(String(block.name) + JSON.stringify(block.input));
        break;
      case 'tool_result':
        result = (result ?? '') + readContent(block.content, at, tally).text;
        break;
      case 'thinking':
      case 'redacted_thinking':
      case 'document':
        break;
      default:
        throw new SandboxRefusal(400, `${at}.content: unknown block type`);
    }
  }
  return { text, result };
};

const toolsOf = (tools: unknown, tally: PromptTally): readonly SandboxTool[] =>
  (Array.isArray(tools) ? (tools as unknown[]) : []).map((tool, index) => {
    if (!isJsonObject(tool) || typeof tool.name !== 'string' || !isJsonObject(tool.input_schema)) {
      throw new SandboxRefusal(400, `tools.${index}: name and input_schema: Field required`);
    }
    const schema = tool.input_schema;
    tally.text(tool.name + String(tool.description ?? '') + JSON.stringify(schema));
    return { name: tool.name, schema };
  });

const choiceOf = (choice: unknown): SandboxCall['tool_choice'] => {
  if (!isJsonObject(choice)) return 'auto';
  if (choice.type === 'any') return 'required';
  if (choice.type === 'none') return 'none';
  return choice.type === 'tool' ? { name: String(choice.name) } : 'auto';
};

const usesOf = (reply: SandboxReply, seed: string): Json[] =>
  reply.tool_calls.map(({ name, input }, index) => ({
    type: 'tool_use',
    id: `toolu_${seed.slice(0, 20)}${index}`,
    name,
    input,
  }));

const usageOf = (call: SandboxCall, output_tokens: number): Json => ({
  input_tokens: call.prompt_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens,
  service_tier: 'standard',
});

const event = (type: string, fields: Json): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const INPUT_PIECE_CHARS = 8;

function frames(call: SandboxCall, reply: SandboxReply, seed: string): string[] {
  const { model } = call;
  const message = { id: `msg_${seed}`, type: 'message', role: 'assistant', model, content: [] };
  const out = [
    event('message_start', {
      message: { ...message, stop_reason: null, stop_sequence: null, usage: usageOf(call, 1) },
    }),
  ];
  if (reply.tool_calls.length === 0) {
    out.push(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }));
    out.push(event('ping', {}));
    const head =
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":';
    for (const piece of reply.pieces) out.push(`${head}${JSON.stringify(piece)}}}\n\n`);
    out.push(event('content_block_stop', { index: 0 }));
  }
  for (const [index, use] of usesOf(reply, seed).entries()) {
    out.push(event('content_block_start', { index, content_block: { ...use, input: {} } }));
    const text = JSON.stringify(use.input);
    for (let at = 0; at < text.length; at += INPUT_PIECE_CHARS) {
      const delta = { type: 'input_json_delta', partial_json: text.slice(at, at + INPUT_PIECE_CHARS) };
      out.push(event('content_block_delta', { index, delta }));
    }
    out.push(event('content_block_stop', { index }));
  }
  out.push(
    event('message_delta', {
      delta: { stop_reason: STOP_REASONS[reply.finish], stop_sequence: null },
      usage: { output_tokens: reply.completion_tokens },
    }),
    event('message_stop', {}),
  );
  return out;
}
