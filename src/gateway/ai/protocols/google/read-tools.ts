import type { JsonObject } from '../../../../providers/chat-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { isObject } from '../../../../providers/json.ts';
import { NOTHING_LIKE_IT } from '../read-fields.ts';
import type { Reading } from '../reading.ts';
import type { CallingConfig } from './generate-request.ts';
import { jsonSchemaOf } from './read-schema.ts';

/**
 * Converts function declarations to the pivot form, with the client's path of each. Other providers have no equivalent
 * of the tools that Google runs itself.
 * @throws OneVaultError invalid_request, naming the field
 */
export const readTools = (tools: readonly JsonObject[], reading: Reading): ReadonlyMap<JsonObject, string> => {
  const read = new Map<JsonObject, string>();
  tools.forEach((tool, index) => {
    for (const [kind, given] of Object.entries(tool)) {
      const at = `tools[${index}].${kind}`;
      if (kind !== 'functionDeclarations' || !Array.isArray(given)) {
        reading.addUnsupported(at, 'Other providers have no such tool', given);
        continue;
      }
      (given as unknown[]).forEach((each, place) => {
        const here = `${at}[${place}]`;
        read.set(readTool(each, here, reading), here);
      });
    }
  });
  return read;
};

// Schemas of a function's result: the result itself shows its form.
const NEUTRAL: ReadonlySet<string> = new Set(['response', 'responseJsonSchema']);

const readTool = (tool: unknown, at: string, reading: Reading): JsonObject => {
  if (!isObject(tool) || typeof tool.name !== 'string') throw invalid(`${at}.name`, 'is not a string');
  const { name, description, parameters, parametersJsonSchema, ...more } = tool;
  for (const [field, value] of Object.entries(more)) {
    if (NEUTRAL.has(field) || (field === 'behavior' && value === 'BLOCKING')) continue;
    reading.addUnsupported(`${at}.${field}`, NOTHING_LIKE_IT, value);
  }
  const schema =
    parametersJsonSchema ?? (isObject(parameters) ? jsonSchemaOf(parameters, { is_closed: false }) : undefined);
  if (schema !== undefined && !isObject(schema)) throw invalid(`${at}.parametersJsonSchema`, 'is not a JSON Schema');
  return {
    type: 'function',
    function: {
      name,
      ...(typeof description === 'string' ? { description } : {}),
      parameters: schema ?? { type: 'object', properties: {} },
    },
  };
};

/**
 * Converts the function calling config to the pivot form. If one of some functions must be called, the others are left
 * out, because not every provider has another way to express it.
 * @param tools in the pivot form
 */
export const readCalling = (
  { mode = 'AUTO', allowedFunctionNames = [] }: CallingConfig,
  tools: readonly JsonObject[],
  reading: Reading,
): JsonObject => {
  switch (mode.toUpperCase()) {
    case 'MODE_UNSPECIFIED':
    case 'AUTO':
      return { tool_choice: 'auto' };
    case 'VALIDATED':
      return { tool_choice: 'auto', ...only(allowedFunctionNames, tools) };
    case 'NONE':
      return { tool_choice: 'none' };
    case 'ANY': {
      const [name, ...others] = allowedFunctionNames;
      if (name !== undefined && others.length === 0) {
        return { tool_choice: { type: 'function', function: { name } } };
      }
      return { tool_choice: 'required', ...only(allowedFunctionNames, tools) };
    }
    default:
      reading.addUnsupported('toolConfig.functionCallingConfig.mode', 'Other providers have no such mode', mode);
      return {};
  }
};

const only = (names: readonly string[], tools: readonly JsonObject[]): JsonObject => {
  if (names.length === 0) return {};
  const allowed = new Set(names);
  return {
    tools: tools.filter((tool) => isObject(tool.function) && allowed.has(String(tool.function.name))),
  };
};
