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

/** Parses the body of a message. @throws SandboxRefusal */
export const parseMessages = (body: Json): SandboxCall => {
  const { max_tokens, thinking } = body;
  if (typeof max_tokens !== 'number') throw new SandboxRefusal(400, 'max_tokens: Field required');
  if (max_tokens < 1) {
    throw new SandboxRefusal(400, 'max_tokens: Input should be greater than or equal to 1');
  }
  const call = parseCounted(body);
  const { type, budget_tokens } = objectOf(thinking);
  if (type === 'enabled') checkBudget(budget_tokens, max_tokens);
  return call;
};

const BUDGET_MIN_TOKENS = 1_024;

const checkBudget = (budget_tokens: unknown, max_tokens: number): void => {
  if (typeof budget_tokens !== 'number' || budget_tokens < BUDGET_MIN_TOKENS) {
    throw new SandboxRefusal(
      400,
      `thinking.enabled.budget_tokens: Input should be greater than or equal to ${BUDGET_MIN_TOKENS}`,
    );
  }
  if (budget_tokens >= max_tokens) {
    throw new SandboxRefusal(400, '`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
};

/** Parses the body of `count_tokens`, which has no limit of tokens. @throws SandboxRefusal */
export const parseCounted = (body: Json): SandboxCall => {
  const { model, messages, max_tokens, temperature, tool_choice } = body;
  if (typeof model !== 'string') throw new SandboxRefusal(400, 'model: Field required');
  checkModel(model);
  checkThread(objectOf(body.thread));
  if (!Array.isArray(messages) || messages.length === 0) throw new SandboxRefusal(400, 'messages: Field required');
  if (typeof temperature === 'number' && (temperature < 0 || temperature > 1)) {
    throw new SandboxRefusal(400, 'temperature: range: 0..1');
  }
  const counts = createPromptCounts();
  readContent(body.system, 'system', counts);
  const { user_text, tool_result } = readMessages(messages, counts);
  const format = objectOf(objectOf(body.output_config).format);
  return {
    model,
    stream: body.stream === true,
    sse: true,
    include_usage: true,
    user_text,
    tool_result,
    tools: toolsOf(body.tools, counts),
    prompt_tokens: tokensOf(counts.chars, counts.images),
    images: counts.images,
    tool_choice: choiceOf(tool_choice),
    parallel_tool_calls: objectOf(tool_choice).disable_parallel_tool_use !== true,
    schema: isJsonObject(format.schema) ? format.schema : null,
    max_tokens: typeof max_tokens === 'number' ? max_tokens : null,
    stop: listOf(body.stop_sequences).map(String),
    thinking: thinkingOf(objectOf(body.thinking)),
    body,
  };
};

/** Refuses threads, because the sandbox stores none. The SDK then sends whole conversations. */
const checkThread = ({ type }: Json): void => {
  if (type === undefined) return;
  if (type === 'continue') {
    throw new SandboxRefusal(404, 'thread.previous_message_id: not found', null, {
      code: 'thread_not_found',
    });
  }
  throw new SandboxRefusal(400, 'thread: this request cannot be threaded', null, {
    code: 'thread_unsupported_request',
  });
};

const thinkingOf = ({ type, display }: Json): SandboxCall['thinking'] => {
  if (type !== 'enabled' && type !== 'adaptive') return 'none';
  return display === 'omitted' ? 'hidden' : 'shown';
};

const readMessages = (
  messages: readonly unknown[],
  counts: PromptCounts,
): { user_text: string; tool_result: string | null } => {
  let user_text = '';
  let tool_result: string | null = null;
  let open: ReadonlySet<unknown> = new Set();
  for (const [index, message] of messages.entries()) {
    if (!isJsonObject(message) || (message.role !== 'user' && message.role !== 'assistant')) {
      throw new SandboxRefusal(400, `messages.${index}.role: Input should be 'user' or 'assistant'`);
    }
    const { text, result, used, answered } = readContent(message.content, `messages.${index}`, counts);
    checkResults(open, answered, index);
    open = used;
    tool_result = message.role === 'user' && text === '' ? result : null;
    if (message.role === 'user' && (text !== '' || result === null)) user_text = text;
  }
  checkResults(open, new Set(), messages.length);
  return { user_text, tool_result };
};

/** Checks that each message answers exactly the tools that the message before it used. */
const checkResults = (open: ReadonlySet<unknown>, answered: ReadonlySet<unknown>, index: number): void => {
  for (const id of answered) {
    if (open.has(id)) continue;
    throw new SandboxRefusal(
      400,
      `messages.${index}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  }
  const missing = [...open].filter((id) => !answered.has(id));
  if (missing.length === 0) return;
  throw new SandboxRefusal(
    400,
    `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
};

interface Content {
  readonly text: string;
  readonly result: string | null;
  /** The ids of used tools and of answered tools. */
  readonly used: ReadonlySet<unknown>;
  readonly answered: ReadonlySet<unknown>;
}

const readContent = (content: unknown, at: string, counts: PromptCounts): Content => {
  let text = '';
  let result: string | null = null;
  const used = new Set<unknown>();
  const answered = new Set<unknown>();
  const blocks: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content ?? '' }];
  for (const block of blocks) {
    if (!isJsonObject(block)) throw new SandboxRefusal(400, `${at}.content: Input should be an object`);
    switch (block.type) {
      case 'text':
        if (typeof block.text !== 'string') throw new SandboxRefusal(400, `${at}.content: text: Field required`);
        text += block.text;
        counts.text(block.text);
        break;
      case 'image':
        counts.image();
        break;
      case 'tool_use':
        used.add(block.id);
        counts.text(String(block.name) + JSON.stringify(block.input));
        break;
      case 'tool_result':
        answered.add(block.tool_use_id);
        result = (result ?? '') + readContent(block.content, at, counts).text;
        break;
      case 'thinking':
        if (typeof block.signature !== 'string')
          throw new SandboxRefusal(400, `${at}.content: thinking.signature: Field required`);
        break;
      case 'redacted_thinking':
      case 'document':
        break;
      default:
        throw new SandboxRefusal(400, `${at}.content: unknown block type`);
    }
  }
  return { text, result, used, answered };
};

const toolsOf = (tools: unknown, counts: PromptCounts): readonly SandboxTool[] =>
  listOf(tools).flatMap((tool, index) => {
    // The provider's own tools, such as web search, are accepted and never used.
    if (isJsonObject(tool) && typeof tool.type === 'string' && tool.type !== 'custom') return [];
    if (!isJsonObject(tool) || typeof tool.name !== 'string' || !isJsonObject(tool.input_schema)) {
      throw new SandboxRefusal(400, `tools.${index}: name and input_schema: Field required`);
    }
    return [toolOf(counts, { name: tool.name, description: tool.description, schema: tool.input_schema })];
  });

const choiceOf = (choice: unknown): SandboxCall['tool_choice'] => {
  const { type, name } = objectOf(choice);
  if (type === 'any') return 'required';
  if (type === 'none') return 'none';
  return type === 'tool' ? { name: String(name) } : 'auto';
};
