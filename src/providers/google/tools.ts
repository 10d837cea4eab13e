import type { ChatRequest, JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { keptSchema } from './schema.ts';

/**
 * `tools` and `tool_choice` of a call in Google's form; empty if the call has no tools. Google has no equivalent of
 * `parallel_tool_calls`, so the gateway passes only one call of the response on.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const toolFields = (
  { tools, tool_choice }: ChatRequest,
  unsupported: UnsupportedFields,
): { tools?: readonly JsonObject[]; toolConfig?: JsonObject } => {
  if (tools === undefined || tools === null) return {};
  if (!Array.isArray(tools)) throw invalid('tools', 'must be a list');
  const taken = (tools as unknown[]).flatMap((tool, index) => declaration(tool, `tools[${index}]`, unsupported));
  if (taken.length === 0) return {};
  const is_strict = (tools as unknown[]).some(isStrict);
  const functionCallingConfig = callingConfig(tool_choice, is_strict, unsupported);
  return {
    tools: [{ functionDeclarations: taken }],
    ...(functionCallingConfig === null ? {} : { toolConfig: { functionCallingConfig } }),
  };
};

const isStrict = (tool: unknown): boolean => isObject(tool) && isObject(tool.function) && tool.function.strict === true;

const declaration = (tool: unknown, param: string, unsupported: UnsupportedFields): readonly JsonObject[] => {
  if (!isObject(tool)) throw invalid(param, 'must be an object');
  if (tool.type !== 'function') {
    unsupported.add(`${param}.type`, 'Google\'s models take tools of the type "function" only');
    return [];
  }
  const given = tool.function;
  if (!isObject(given) || typeof given.name !== 'string') throw invalid(`${param}.function.name`, 'must be a text');
  const at = `${param}.function.parameters`;
  const { parameters } = given;
  if (parameters !== undefined && parameters !== null && !isObject(parameters))
    throw invalid(at, 'must be a JSON Schema');
  return [
    {
      name: given.name,
      ...(typeof given.description === 'string' ? { description: given.description } : {}),
      // Google refuses the schema of an object without properties; leaving it out has the same meaning.
      ...(isObject(parameters) && Object.keys(parameters).length > 0
        ? { parametersJsonSchema: parametersOf(parameters, isStrict(tool), at, unsupported) }
        : {}),
    },
  ];
};

/** A schema that is not strict is a hint, so parts that Google ignores need no report. */
const parametersOf = (
  parameters: JsonObject,
  is_strict: boolean,
  param: string,
  unsupported: UnsupportedFields,
): JsonObject => {
  const typed = parameters.type === undefined ? { type: 'object', ...parameters } : parameters;
  return is_strict ? keptSchema(typed, param, unsupported) : typed;
};

/** VALIDATED is AUTO with arguments that always match their schema. */
const callingConfig = (choice: unknown, is_strict: boolean, unsupported: UnsupportedFields): JsonObject | null => {
  if (choice === undefined || choice === null) return is_strict ? { mode: 'VALIDATED' } : null;
  if (choice === 'auto') return { mode: is_strict ? 'VALIDATED' : 'AUTO' };
  if (choice === 'required') return { mode: 'ANY' };
  if (choice === 'none') return { mode: 'NONE' };
  if (isObject(choice) && choice.type === 'function') {
    return { mode: 'ANY', allowedFunctionNames: [nameOf(choice, 'tool_choice')] };
  }
  const allowed = isObject(choice) && choice.type === 'allowed_tools' ? choice.allowed_tools : undefined;
  if (isObject(allowed) && Array.isArray(allowed.tools)) {
    const names = (allowed.tools as unknown[]).map((tool, index) =>
      nameOf(tool, `tool_choice.allowed_tools.tools[${index}]`),
    );
    return { mode: allowed.mode === 'required' ? 'ANY' : 'VALIDATED', allowedFunctionNames: names };
  }
  unsupported.add('tool_choice', 'Google\'s models accept "auto", "none", "required" or functions by name');
  return null;
};

const nameOf = (tool: unknown, param: string): string => {
  const named = isObject(tool) ? tool.function : undefined;
  if (!isObject(named) || typeof named.name !== 'string') throw invalid(`${param}.function.name`, 'must be a text');
  return named.name;
};
