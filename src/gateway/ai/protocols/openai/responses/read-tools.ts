import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { isObject } from '../../../../../providers/json.ts';
import { NOTHING_LIKE_IT } from '../../read-fields.ts';
import type { Reading } from '../../reading.ts';

/**
 * Tools in the pivot form. Those that OpenAI runs itself, or knows the form of, have nothing like them elsewhere.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readTools = (tools: readonly JsonObject[], reading: Reading): readonly JsonObject[] =>
  tools.flatMap((tool, index) => {
    const at = `tools[${index}]`;
    if (tool.type === 'function') return [readTool(tool, at, reading)];
    if (typeof tool.type !== 'string') throw invalid(`${at}.type`, 'is not a text');
    reading.lose(`${at}.type`, 'There is no such tool elsewhere', tool);
    return [];
  });

// What a tool answers with, or who may call it where nobody else does: neither changes a call.
const NEUTRAL: ReadonlySet<string> = new Set(['type', 'output_schema', 'allowed_callers']);

const readTool = (tool: JsonObject, at: string, reading: Reading): JsonObject => {
  const { name, description, parameters, strict, ...more } = tool;
  if (typeof name !== 'string') throw invalid(`${at}.name`, 'is not a text');
  if (parameters !== undefined && parameters !== null && !isObject(parameters))
    throw invalid(`${at}.parameters`, 'is not a JSON Schema');
  for (const [field, value] of Object.entries(more)) {
    if (NEUTRAL.has(field) || value === null || value === false) continue;
    reading.lose(`${at}.${field}`, NOTHING_LIKE_IT, value);
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

/** `tool_choice` in the pivot form; undefined where it is lost. */
export const readToolChoice = (choice: unknown, reading: Reading): unknown => {
  if (typeof choice === 'string') {
    if (!MODES.has(choice)) throw invalid('tool_choice', 'is none of auto, none and required');
    return choice;
  }
  const { type, name } = choice as JsonObject;
  if (type === 'function') {
    if (typeof name !== 'string') throw invalid('tool_choice.name', 'is not a text');
    return { type: 'function', function: { name } };
  }
  reading.lose('tool_choice.type', 'There is no such choice elsewhere', choice);
  return undefined;
};
