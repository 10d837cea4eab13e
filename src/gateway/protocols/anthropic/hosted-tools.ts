import { isObject } from '../../../providers/json.ts';
import { type HostedTool, statedMost } from '../../hosted-tools.ts';
import type { MessagesRequest } from './messages-request.ts';

/**
 * Tools that Anthropic runs itself and may charge for beside their tokens: searches by the piece, machines for code by
 * the hour (https://docs.anthropic.com/en/docs/about-claude/pricing#tool-use-pricing).
 */
export const messagesTools = ({ tools }: MessagesRequest): readonly HostedTool[] =>
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
