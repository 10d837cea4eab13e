import type { JsonObject } from '../../../../providers/chat-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { isObject } from '../../../../providers/json.ts';
import { NOTHING_LIKE_IT } from '../read-fields.ts';
import type { Reading } from '../reading.ts';

/**
 * Converts tools to the pivot form. Other providers have no equivalent of the tools that Anthropic runs or defines.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readTools = (tools: readonly JsonObject[], reading: Reading): readonly JsonObject[] =>
  tools.flatMap((tool, index) => {
    const param = `tools[${index}]`;
    if (tool.type !== undefined && tool.type !== null && tool.type !== 'custom') {
      reading.addUnsupported(`${param}.type`, 'Other providers have no such tool', tool);
      return [];
    }
    return [readTool(tool, param, reading)];
  });

// Fields that set how a call is sent or who may call the tool. Other providers have no such features, so that they
// change nothing.
const NEUTRAL: ReadonlySet<string> = new Set(['type', 'eager_input_streaming', 'allowed_callers']);

const readTool = (tool: JsonObject, param: string, reading: Reading): JsonObject => {
  const { name, description, input_schema, strict, cache_control, ...more } = tool;
  if (typeof name !== 'string') throw invalid(`${param}.name`, 'is not a string');
  if (!isObject(input_schema)) throw invalid(`${param}.input_schema`, 'is not a JSON Schema');
  for (const [field, value] of Object.entries(more)) {
    if (NEUTRAL.has(field) || value === null || value === false) continue;
    reading.addUnsupported(`${param}.${field}`, NOTHING_LIKE_IT, value);
  }
  const called = {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    parameters: input_schema,
    ...(strict === true ? { strict } : {}),
  };
  return { type: 'function', function: called, ...(isObject(cache_control) ? { cache_control } : {}) };
};

/** Converts `tool_choice` to the pivot form: `tool_choice` and `parallel_tool_calls`. */
export const readToolChoice = (choice: JsonObject, reading: Reading): JsonObject => {
  const { type, name, disable_parallel_tool_use } = choice;
  const parallel = disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  switch (type) {
    case 'auto':
    case 'none':
      return { tool_choice: type, ...parallel };
    case 'any':
      return { tool_choice: 'required', ...parallel };
    case 'tool':
      if (typeof name !== 'string') throw invalid('tool_choice.name', 'is not a string');
      return { tool_choice: { type: 'function', function: { name } }, ...parallel };
    default:
      reading.addUnsupported('tool_choice.type', 'Other providers have no such choice', choice);
      return parallel;
  }
};
