import type { ToolUnit } from '../../../../pricing/price-units.ts';
import type { ChatRequest, JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';
import { type HostedTool, readLimit } from '../../hosted-tools.ts';
import type { ResponsesRequest } from './responses/responses-request.ts';

/**
 * Hosted tools of an OpenAI chat. OpenAI searches the web once for each choice, and does not report it
 * (https://platform.openai.com/docs/guides/tools-web-search).
 */
export const chatTools = ({ n, tools, web_search_options }: ChatRequest): readonly HostedTool[] => {
  const choices = typeof n === 'number' ? n : 1;
  const search: HostedTool = {
    param: 'web_search_options',
    name: 'web_search',
    unit: 'web_search',
    max_uses: choices,
    uses: choices,
  };
  const others = (Array.isArray(tools) ? (tools as unknown[]) : []).flatMap((tool, index): HostedTool[] =>
    isObject(tool) && typeof tool.type === 'string' && !CLIENT_TOOLS.has(tool.type)
      ? [{ param: `tools[${index}].type`, name: tool.type, unit: null, max_uses: null, uses: 'unreported' }]
      : [],
  );
  return isObject(web_search_options) ? [search, ...others] : others;
};

const CLIENT_TOOLS: ReadonlySet<string> = new Set(['function', 'custom']);

/**
 * Hosted tools of an OpenAI response (https://platform.openai.com/docs/pricing#built-in-tools). A prompt that OpenAI
 * stores may add tools that the gateway does not see.
 */
export const responsesTools = ({ tools, prompt, max_tool_calls }: ResponsesRequest): HostedTool[] => {
  const max_uses = readLimit(max_tool_calls);
  const named = (tools ?? []).flatMap((tool, index): HostedTool[] => {
    const param = `tools[${index}].type`;
    const name = String(tool.type);
    const unit = unitOf(tool);
    if (unit === 'none') return [];
    if (unit !== null) return [{ param, name: unit, unit, max_uses, uses: 'reported' }];
    return [{ param, name, unit, max_uses, uses: name === 'image_generation' ? 'reported' : 'unreported' }];
  });
  const stored = isObject(prompt) ? PROMPT_TOOLS.map((unit) => ({ param: 'prompt', name: unit, unit })) : [];
  return [...named, ...stored.map((tool): HostedTool => ({ ...tool, max_uses, uses: 'reported' }))];
};

// A stored prompt may add others too; the response reports them.
const PROMPT_TOOLS = ['web_search', 'file_search'] as const;

// OpenAI charges only for their tokens.
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
