import type { ToolUnit } from '../../../../pricing/prices.ts';
import type { ChatRequest, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';
import { type HostedTool, statedMost } from '../../hosted-tools.ts';
import type { ResponsesRequest } from './responses/responses-request.ts';

/**
 * Tools of a chat that OpenAI runs itself. It searches the web once before each choice, and does not tell so
 * (https://platform.openai.com/docs/guides/tools-web-search).
 */
export const chatTools = ({ n, tools, web_search_options }: ChatRequest): readonly HostedTool[] => {
  const choices = typeof n === 'number' ? n : 1;
  const search: HostedTool = {
    param: 'web_search_options',
    name: 'web_search',
    unit: 'web_search',
    most: choices,
    uses: choices,
  };
  const others = (Array.isArray(tools) ? (tools as unknown[]) : []).flatMap((tool, index): HostedTool[] =>
    isObject(tool) && typeof tool.type === 'string' && !CLIENTS_OWN.has(tool.type)
      ? [{ param: `tools[${index}].type`, name: tool.type, unit: null, most: null, uses: 'untold' }]
      : [],
  );
  return isObject(web_search_options) ? [search, ...others] : others;
};

const CLIENTS_OWN: ReadonlySet<string> = new Set(['function', 'custom']);

/**
 * Likewise of a response (https://platform.openai.com/docs/pricing#built-in-tools). A prompt that OpenAI keeps may
 * bring tools that nobody sees here.
 */
export const responsesTools = ({ tools, prompt, max_tool_calls }: ResponsesRequest): HostedTool[] => {
  const most = statedMost(max_tool_calls);
  const named = (tools ?? []).flatMap((tool, index): HostedTool[] => {
    const param = `tools[${index}].type`;
    const name = String(tool.type);
    const unit = unitOf(tool);
    if (unit === 'none') return [];
    if (unit !== null) return [{ param, name: unit, unit, most, uses: 'told' }];
    return [{ param, name, unit, most, uses: name === 'image_generation' ? 'told' : 'untold' }];
  });
  const kept = isObject(prompt) ? BROUGHT.map((unit) => ({ param: 'prompt', name: unit, unit })) : [];
  return [...named, ...kept.map((tool): HostedTool => ({ ...tool, most, uses: 'told' }))];
};

// Others it may bring too; the reply tells of them.
const BROUGHT = ['web_search', 'file_search'] as const;

// Their tokens are all that is charged for.
const BY_TOKENS: ReadonlySet<string> = new Set([
  'function',
  'custom',
  'namespace',
  'tool_search',
  'computer',
  'computer_use',
  'computer_use_preview',
  'mcp',
  'local_shell',
  'apply_patch',
]);

const unitOf = (tool: JsonObject): ToolUnit | 'none' | null => {
  const type = String(tool.type);
  if (BY_TOKENS.has(type)) return 'none';
  if (type === 'web_search' || /^web_search_(preview|\d)/.test(type)) return 'web_search';
  if (type === 'file_search') return 'file_search';
  if (type === 'code_interpreter') return 'code_session';
  if (type === 'shell')
    return isObject(tool.environment) && tool.environment.type !== 'local' ? 'code_session' : 'none';
  return null;
};
