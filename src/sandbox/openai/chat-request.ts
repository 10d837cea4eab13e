import {
  checkModel,
  createPromptCounts,
  isJsonObject,
  type Json,
  listOf,
  objectOf,
  type PromptCounts,
  type SandboxCall,
  SandboxRefusal,
  type SandboxTool,
  tokensOf,
  toolOf,
} from '../call.ts';

/** Parses the body of a chat completion. @throws SandboxRefusal */
export const parseChat = (body: Json): SandboxCall => {
  const { model, messages, max_completion_tokens, max_tokens, stream_options } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'you must provide a model parameter', 'model');
  checkModel(model);
  checkSampling(body);
  const counts = createPromptCounts();
  const { user_text, tool_result } = readMessages(messages, counts);
  const limit = max_completion_tokens ?? max_tokens;
  const tools = toolsOf(body.tools, counts);
  return {
    model,
    stream: body.stream === true,
    sse: true,
    include_usage: objectOf(stream_options).include_usage === true,
    prompt_tokens: tokensOf(counts.chars, counts.images),
    user_text,
    images: counts.images,
    tool_result,
    tools,
    tool_choice: choiceOf(body.tool_choice),
    parallel_tool_calls: body.parallel_tool_calls !== false,
    schema: schemaOf(objectOf(body.response_format)),
    max_tokens: typeof limit === 'number' ? limit : null,
    stop: typeof body.stop === 'string' ? [body.stop] : listOf(body.stop).map(String),
    thinking: thinksWith(body.reasoning_effort) ? 'hidden' : 'none',
    body,
  };
};

/** True if a model thinks with this effort. */
export const thinksWith = (effort: unknown): boolean =>
  typeof effort === 'string' && effort !== 'none' && effort !== 'minimal';

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  temperature: [0, 2],
  top_p: [0, 1],
  n: [1, 128],
  top_logprobs: [0, 20],
  presence_penalty: [-2, 2],
  frequency_penalty: [-2, 2],
  max_tokens: [1, Number.MAX_SAFE_INTEGER],
  max_completion_tokens: [1, Number.MAX_SAFE_INTEGER],
  max_output_tokens: [1, Number.MAX_SAFE_INTEGER],
};

/** Refuses numbers that OpenAI refuses. @throws SandboxRefusal */
export const checkSampling = (body: Json): void => {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number') {
      throw new SandboxRefusal(400, `Invalid type for '${name}': expected a number.`, name, {
        code: 'invalid_type',
      });
    }
    if (value < least || value > most) {
      const bound = value < least ? `a value >= ${least}` : `a value <= ${most}`;
      throw new SandboxRefusal(
        400,
        `Invalid '${name}': ${value < least ? 'decimal below minimum' : 'decimal above maximum'} value. Expected ${bound}, but got ${value} instead.`,
        name,
        { code: value < least ? 'decimal_below_min_value' : 'decimal_above_max_value' },
      );
    }
  }
};

const schemaOf = (format: Json): Json | null => {
  const { schema } = objectOf(format.json_schema);
  if (isJsonObject(schema)) return schema;
  return format.type === 'json_object' ? { type: 'object' } : null;
};

const ROLES: ReadonlySet<unknown> = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

const readMessages = (messages: unknown, counts: PromptCounts): { user_text: string; tool_result: string | null } => {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new SandboxRefusal(400, "Missing required parameter: 'messages'.", 'messages');
  }
  let user_text = '';
  let tool_result: string | null = null;
  let role_before: unknown = null;
  const open = new Set<unknown>();
  for (const [index, message] of messages.entries()) {
    const { role, text, called } = readMessage(message, index, counts);
    if (role === 'user') user_text = role_before === 'user' ? user_text + text : text;
    role_before = role;
    if (role === 'tool') {
      answered(open, objectOf(message).tool_call_id, index);
      tool_result = (tool_result ?? '') + text;
    } else {
      allAnswered(open, index);
      tool_result = null;
    }
    for (const id of called) open.add(id);
  }
  allAnswered(open, messages.length);
  return { user_text, tool_result };
};

const answered = (open: Set<unknown>, id: unknown, index: number): void => {
  if (!open.delete(id)) {
    const at = `messages.[${index}].role`;
    throw new SandboxRefusal(
      400,
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
      at,
    );
  }
};

const allAnswered = (open: ReadonlySet<unknown>, index: number): void => {
  if (open.size === 0) return;
  throw new SandboxRefusal(
    400,
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    `messages.[${index}].role`,
  );
};

const readMessage = (
  message: unknown,
  index: number,
  counts: PromptCounts,
): { role: unknown; text: string; called: readonly unknown[] } => {
  if (!isJsonObject(message) || !ROLES.has(message.role)) {
    throw new SandboxRefusal(400, `Invalid value: 'messages[${index}].role'.`, `messages[${index}].role`);
  }
  const { role, content, tool_calls } = message;
  const parts: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
  let text = '';
  for (const part of parts) {
    if (!isJsonObject(part)) throw new SandboxRefusal(400, 'Invalid content part.', `messages[${index}].content`);
    if (part.type === 'image_url') counts.image();
    else if (typeof part.text === 'string') text += part.text;
    else if (typeof part.refusal === 'string') text += part.refusal;
    else if (part.type === 'file' && isJsonObject(part.file)) continue;
    else if (part.type === 'input_audio' && isJsonObject(part.input_audio)) continue;
    else throw new SandboxRefusal(400, 'Invalid content part.', `messages[${index}].content`);
  }
  counts.text(text);
  const calls = listOf(tool_calls).map(objectOf);
  for (const call of calls) {
    const called = objectOf(call.function);
    counts.text(String(called.name) + String(called.arguments));
  }
  return { role, text, called: calls.map(({ id }) => id) };
};

const toolsOf = (tools: unknown, counts: PromptCounts): readonly SandboxTool[] =>
  listOf(tools).map((tool, index) => {
    const given = objectOf(tool).function;
    if (!isJsonObject(given) || typeof given.name !== 'string') {
      throw new SandboxRefusal(400, `Missing required parameter: 'tools[${index}].function.name'.`, `tools[${index}]`);
    }
    const { name, description } = given;
    const schema = isJsonObject(given.parameters) ? given.parameters : { type: 'object', properties: {} };
    return toolOf(counts, { name, description, schema });
  });

const choiceOf = (choice: unknown): SandboxCall['tool_choice'] => {
  if (choice === 'none' || choice === 'required') return choice;
  const { function: chosen } = objectOf(choice);
  return isJsonObject(chosen) ? { name: String(chosen.name) } : 'auto';
};
