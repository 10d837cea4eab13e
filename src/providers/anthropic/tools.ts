import type { ChatRequest, JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';

/**
 * `tools` and `tool_choice` of a call in Anthropic's form; empty if the call has no tools.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const toolFields = (
  chat: ChatRequest,
  unsupported: UnsupportedFields,
): { tools?: readonly JsonObject[]; tool_choice?: JsonObject } => {
  const { tools, tool_choice, parallel_tool_calls } = chat;
  if (tools === undefined || tools === null) return {};
  if (!Array.isArray(tools)) throw invalid('tools', 'must be a list');
  if (tools.length === 0) return {};
  const taken = (tools as unknown[]).flatMap((tool, index) => toolOf(tool, `tools[${index}]`, unsupported));
  if (taken.length === 0) return {};
  const choice = toolChoice(tool_choice, parallel_tool_calls === false, unsupported);
  return { tools: taken, ...(choice === null ? {} : { tool_choice: choice }) };
};

const toolOf = (tool: unknown, param: string, unsupported: UnsupportedFields): readonly JsonObject[] => {
  if (!isObject(tool)) throw invalid(param, 'must be an object');
  if (tool.type !== 'function') {
    unsupported.add(`${param}.type`, 'Anthropic\'s models take tools of the type "function" only');
    return [];
  }
  const given = tool.function;
  if (!isObject(given) || typeof given.name !== 'string') throw invalid(`${param}.function.name`, 'must be a text');
  const cache_control = tool.cache_control ?? given.cache_control;
  const taken = {
    name: given.name,
    ...(typeof given.description === 'string' ? { description: given.description } : {}),
    input_schema: inputSchema(given.parameters, `${param}.function.parameters`),
    ...(given.strict === true ? { strict: true } : {}),
    ...(isObject(cache_control) ? { cache_control } : {}),
  };
  return [taken];
};

const inputSchema = (parameters: unknown, param: string): JsonObject => {
  if (parameters === undefined || parameters === null) return { type: 'object', properties: {} };
  if (!isObject(parameters)) throw invalid(param, 'must be a JSON Schema');
  return parameters.type === undefined ? { type: 'object', ...parameters } : parameters;
};

const toolChoice = (choice: unknown, single: boolean, unsupported: UnsupportedFields): JsonObject | null => {
  const alone = single ? { disable_parallel_tool_use: true } : {};
  if (choice === undefined || choice === null) return single ? { type: 'auto', ...alone } : null;
  if (choice === 'auto') return { type: 'auto', ...alone };
  if (choice === 'required') return { type: 'any', ...alone };
  if (choice === 'none') return { type: 'none' };
  if (isObject(choice) && choice.type === 'function') {
    const named = choice.function;
    if (!isObject(named) || typeof named.name !== 'string') {
      throw invalid('tool_choice.function.name', 'must be a text');
    }
    return { type: 'tool', name: named.name, ...alone };
  }
  unsupported.add('tool_choice', 'Anthropic\'s models accept "auto", "none", "required" or one function');
  return null;
};
