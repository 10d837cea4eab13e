import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import { NOTHING_LIKE_IT } from '../../read-fields.ts';
import type { Reading } from '../../reading.ts';

/**
 * Converts tools to the pivot form. Other providers have no equivalent of the tools that OpenAI runs or defines.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readTools = (tools: readonly JsonObject[], reading: Reading): readonly JsonObject[] =>
  tools.flatMap((tool, index) => {
    const at = `tools[${index}]`;
    if (tool.type === 'function') return [readTool(tool, at, reading)];
    if (typeof tool.type !== 'string') throw invalid(`${at}.type`, 'is not a string');
    reading.addUnsupported(`${at}.type`, 'Other providers have no such tool', tool);
    return [];
  });

// Fields that describe a tool's output or who may call it. Other providers have no such features, so that they change
// nothing.
const NEUTRAL: ReadonlySet<string> = new Set(['type', 'output_schema', 'allowed_callers']);

const readTool = (tool: JsonObject, at: string, reading: Reading): JsonObject => {
  const { name, description, parameters, strict, ...more } = tool;
  if (typeof name !== 'string') throw invalid(`${at}.name`, 'is not a string');
  if (parameters !== undefined && parameters !== null && !isObject(parameters))
    throw invalid(`${at}.parameters`, 'is not a JSON Schema');
  for (const [field, value] of Object.entries(more)) {
    if (NEUTRAL.has(field) || value === null || value === false) continue;
    reading.addUnsupported(`${at}.${field}`, NOTHING_LIKE_IT, value);
  }
  const called = {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    ...(isObject(parameters) ? { parameters } : {}),
    ...(strict === true ? { strict } : {}),
  };
  return { type: 'function', function: called };
};

const MODES: ReadonlySet<unknown> = new Set(['auto', 'none', 'required']);

/** Converts `tool_choice` to the pivot form; undefined if it is unsupported. */
export const readToolChoice = (choice: unknown, reading: Reading): unknown => {
  if (typeof choice === 'string') {
    if (!MODES.has(choice)) throw invalid('tool_choice', 'is not one of auto, none and required');
    return choice;
  }
  const { type, name } = choice as JsonObject;
  if (type === 'function') {
    if (typeof name !== 'string') throw invalid('tool_choice.name', 'is not a string');
    return { type: 'function', function: { name } };
  }
  reading.addUnsupported('tool_choice.type', 'Other providers have no such choice', choice);
  return undefined;
};
