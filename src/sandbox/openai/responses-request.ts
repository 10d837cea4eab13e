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
import { checkSampling, thinksWith } from './chat-request.ts';

/** Parses the body of a request for a response. @throws SandboxRefusal */
export const parseResponses = (body: Json): SandboxCall => {
  const { model, reasoning, max_output_tokens } = body;
  if (typeof model !== 'string') {
    throw new SandboxRefusal(400, "Missing required parameter: 'model'.", 'model', {
      code: 'missing_required_parameter',
    });
  }
  checkModel(model);
  checkSampling(body);
  checkState(body);
  const counts = createPromptCounts();
  if (typeof body.instructions === 'string') counts.text(body.instructions);
  const { user_text, tool_result } = readInput(body.input, counts);
  const tools = toolsOf(body.tools, counts);
  const { effort, summary } = objectOf(reasoning);
  return {
    model,
    stream: body.stream === true,
    sse: true,
    include_usage: true,
    prompt_tokens: tokensOf(counts.chars, counts.images),
    user_text,
    images: counts.images,
    tool_result,
    tools,
    tool_choice: choiceOf(body.tool_choice),
    parallel_tool_calls: body.parallel_tool_calls !== false,
    schema: schemaOf(objectOf(objectOf(body.text).format)),
    max_tokens: typeof max_output_tokens === 'number' ? max_output_tokens : null,
    stop: [],
    thinking: !thinksWith(effort) ? 'none' : typeof summary === 'string' ? 'shown' : 'hidden',
    body,
  };
};

/** Refuses references to earlier responses, because the sandbox stores none. */
const checkState = ({ previous_response_id: previous, conversation, background }: Json): void => {
  if (typeof previous === 'string') {
    throw new SandboxRefusal(400, `Previous response with id '${previous}' not found.`, 'previous_response_id', {
      code: 'previous_response_not_found',
    });
  }
  if (conversation !== undefined && conversation !== null) {
    const id = typeof conversation === 'string' ? conversation : String(objectOf(conversation).id);
    throw new SandboxRefusal(404, `Conversation with id '${id}' not found.`, 'conversation');
  }
  if (background === true) {
    throw new SandboxRefusal(400, 'Background mode is not supported with this model.', 'background');
  }
};

const schemaOf = (format: Json): Json | null => {
  if (format.type === 'json_schema' && isJsonObject(format.schema)) return format.schema;
  return format.type === 'json_object' ? { type: 'object' } : null;
};

const invalidInput = (index: number, message: string): SandboxRefusal =>
  new SandboxRefusal(400, message, `input[${index}]`, { code: 'invalid_value' });

const readInput = (input: unknown, counts: PromptCounts): { user_text: string; tool_result: string | null } => {
  if (typeof input === 'string') {
    counts.text(input);
    return { user_text: input, tool_result: null };
  }
  if (!Array.isArray(input) || input.length === 0) {
    throw new SandboxRefusal(400, "Missing required parameter: 'input'.", 'input', {
      code: 'missing_required_parameter',
    });
  }
  let user_text = '';
  let tool_result: string | null = null;
  let user_before = false;
  const called = new Set<unknown>();
  for (const [index, item] of input.entries()) {
    const { role, text, output } = readItem(item, { index, counts, called });
    if (role === 'user') user_text = user_before ? user_text + text : text;
    user_before = role === 'user';
    tool_result = output === null ? null : (tool_result ?? '') + output;
  }
  return { user_text, tool_result };
};

interface Item {
  readonly role: unknown;
  readonly text: string;
  readonly output: string | null;
}

const readItem = (
  item: unknown,
  { index, counts, called }: { index: number; counts: PromptCounts; called: Set<unknown> },
): Item => {
  if (!isJsonObject(item)) throw invalidInput(index, `Invalid type for 'input[${index}]': expected an object.`);
  const { type = 'message', role } = item;
  switch (type) {
    case 'message': {
      const text = textOf(item.content, index, counts);
      counts.text(text);
      return { role, text, output: null };
    }
    case 'function_call':
      called.add(item.call_id);
      counts.text(String(item.name) + String(item.arguments));
      return { role: 'assistant', text: '', output: null };
    case 'function_call_output': {
      if (!called.has(item.call_id)) {
        throw invalidInput(index, `No tool call found for function call output with call_id ${String(item.call_id)}.`);
      }
      const output = textOf(item.output, index, counts);
      counts.text(output);
      return { role: 'tool', text: '', output };
    }
    case 'reasoning':
      return { role: 'assistant', text: '', output: null };
    case 'item_reference':
      throw new SandboxRefusal(404, `Item with id '${String(item.id)}' not found.`, 'input');
    default:
      throw invalidInput(index, `Invalid value: '${String(type)}'.`);
  }
};

const textOf = (content: unknown, index: number, counts: PromptCounts): string => {
  if (typeof content === 'string') return content;
  let text = '';
  for (const part of listOf(content).map(objectOf)) {
    if (part.type === 'input_image') counts.image();
    else if (typeof part.text === 'string') text += part.text;
    else if (typeof part.refusal === 'string') text += part.refusal;
    else if (part.type !== 'input_file' && part.type !== 'input_audio') {
      throw invalidInput(index, `Invalid value: '${String(part.type)}'.`);
    }
  }
  return text;
};

const toolsOf = (tools: unknown, counts: PromptCounts): readonly SandboxTool[] =>
  listOf(tools)
    .map(objectOf)
    .flatMap((tool, index) => {
      // The provider's own tools, such as web search, are accepted and never used.
      if (tool.type !== 'function') return [];
      const { name, description, parameters } = tool;
      if (typeof name !== 'string') {
        throw new SandboxRefusal(400, `Missing required parameter: 'tools[${index}].name'.`, `tools[${index}]`);
      }
      const schema = isJsonObject(parameters) ? parameters : { type: 'object', properties: {} };
      return [toolOf(counts, { name, description, schema })];
    });

const choiceOf = (choice: unknown): SandboxCall['tool_choice'] => {
  if (choice === 'none' || choice === 'required') return choice;
  const { type, name, mode, tools } = objectOf(choice);
  if (type === 'function') return { name: String(name) };
  if (type === 'allowed_tools' && mode === 'required') return { name: String(objectOf(listOf(tools)[0]).name) };
  return 'auto';
};
