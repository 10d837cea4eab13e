import type { ToolUnit } from '../../../../pricing/price-units.ts';
import type { HostedTool } from '../../hosted-tools.ts';
import type { GenerateRequest } from './generate-request.ts';

/**
 * Hosted tools of Google, which it may charge for besides the tokens (https://ai.google.dev/gemini-api/docs/pricing).
 * Each candidate may search.
 */
export const generateContentTools = ({ tools = [] }: GenerateRequest): readonly HostedTool[] =>
  tools.flatMap((tool, index) =>
    Object.keys(tool).flatMap((kind): HostedTool[] => {
      if (BY_TOKENS.has(kind)) return [];
      const param = `tools[${index}].${kind}`;
      const unit = UNITS.get(kind) ?? null;
      return [{ param, name: unit ?? kind, unit, max_uses: null, uses: unit === null ? 'unreported' : 'reported' }];
    }),
  );

const BY_TOKENS: ReadonlySet<string> = new Set([
  'functionDeclarations',
  'codeExecution',
  'urlContext',
  'computerUse',
  'fileSearch',
  'mcpServers',
]);

const UNITS: ReadonlyMap<string, ToolUnit> = new Map([
  ['googleSearch', 'web_search'],
  ['googleSearchRetrieval', 'web_search'],
  ['enterpriseWebSearch', 'web_search'],
  ['googleMaps', 'maps_search'],
]);
