import { isObject } from '../../../../providers/json.ts';
import { type HostedTool, readLimit } from '../../hosted-tools.ts';
import type { MessagesRequest } from './messages-request.ts';

/**
 * Hosted tools of Anthropic, which it may charge for besides the tokens: searches by number, code containers by the
 * hour (https://docs.anthropic.com/en/docs/about-claude/pricing#tool-use-pricing). Also the options that raise all
 * token prices.
 */
export const messagesTools = (request: MessagesRequest): readonly HostedTool[] => [
  ...toolsOf(request),
  ...pricedOptions(request),
];

/** Fast mode and inference location multiply all prices (https://platform.claude.com/docs/en/about-claude/pricing). */
const pricedOptions = ({ speed, inference_geo }: MessagesRequest): readonly HostedTool[] => {
  const option = { unit: null, max_uses: null, uses: 'unreported' } as const;
  return [
    ...([undefined, null, 'standard'].includes(speed as string) ? [] : [{ param: 'speed', name: 'speed', ...option }]),
    ...([undefined, null, 'global'].includes(inference_geo as string)
      ? []
      : [{ param: 'inference_geo', name: 'inference_geo', ...option }]),
  ];
};

const toolsOf = ({ tools }: MessagesRequest): readonly HostedTool[] =>
  (Array.isArray(tools) ? (tools as unknown[]) : []).filter(isObject).flatMap((tool, index): HostedTool[] => {
    const type = typeof tool.type === 'string' ? tool.type : 'custom';
    if (BY_TOKENS.test(type)) return [];
    const param = `tools[${index}].type`;
    return /^web_search_\d/.test(type)
      ? [{ param, name: 'web_search', unit: 'web_search', max_uses: readLimit(tool.max_uses), uses: 'reported' }]
      : [
          {
            param,
            name: type.replace(/_\d{8}$/, ''),
            unit: null,
            max_uses: readLimit(tool.max_uses),
            uses: 'unreported',
          },
        ];
  });

// Tools that the client runs, that Anthropic charges by tokens only, or that others serve.
const BY_TOKENS =
  /^(custom|bash_\d+|text_editor_\d+|computer_\d+|memory_\d+|web_fetch_\d+|tool_search_tool_\w+|mcp_toolset)$/;
