import { isObject } from '../../../../providers/json.ts';
import { type HostedTool, statedMost } from '../../hosted-tools.ts';
import type { MessagesRequest } from './messages-request.ts';

/**
 * Tools that Anthropic runs itself and may charge for beside their tokens: searches by the piece, machines for code by
 * the hour (https://docs.anthropic.com/en/docs/about-claude/pricing#tool-use-pricing), and ways of serving that raise
 * the price of every token.
 */
export const messagesTools = (request: MessagesRequest): readonly HostedTool[] => [
  ...toolsOf(request),
  ...dearerWays(request),
];

/** https://platform.claude.com/docs/en/about-claude/pricing: fast mode and the place of inference multiply all prices. */
const dearerWays = ({ speed, inference_geo }: MessagesRequest): readonly HostedTool[] => {
  const way = { unit: null, most: null, uses: 'untold' } as const;
  return [
    ...([undefined, null, 'standard'].includes(speed as string) ? [] : [{ param: 'speed', name: 'speed', ...way }]),
    ...([undefined, null, 'global'].includes(inference_geo as string)
      ? []
      : [{ param: 'inference_geo', name: 'inference_geo', ...way }]),
  ];
};

const toolsOf = ({ tools }: MessagesRequest): readonly HostedTool[] =>
  (Array.isArray(tools) ? (tools as unknown[]) : []).filter(isObject).flatMap((tool, index): HostedTool[] => {
    const type = typeof tool.type === 'string' ? tool.type : 'custom';
    if (BY_TOKENS.test(type)) return [];
    const param = `tools[${index}].type`;
    return /^web_search_\d/.test(type)
      ? [{ param, name: 'web_search', unit: 'web_search', most: statedMost(tool.max_uses), uses: 'told' }]
      : [
          {
            param,
            name: type.replace(/_\d{8}$/, ''),
            unit: null,
            most: statedMost(tool.max_uses),
            uses: 'untold',
          },
        ];
  });

// What the client runs, what Anthropic fetches and looks up for the tokens alone, and what others serve.
const BY_TOKENS =
  /^(custom|bash_\d+|text_editor_\d+|computer_\d+|memory_\d+|web_fetch_\d+|tool_search_tool_\w+|mcp_toolset)$/;
