import type { ChatRequest, JsonObject } from '../chat-form.ts';
import { invalid } from '../invalid.ts';
import { isObject } from '../json.ts';
import type { UnsupportedFields } from '../unsupported-fields.ts';
import { isThirdGeneration } from './protocol.ts';

// https://ai.google.dev/gemini-api/docs/openai#thinking: Google's own mapping of OpenAI's efforts to levels and budgets
// (in tokens); the two highest efforts are newer than its table.
const EFFORTS: ReadonlyMap<unknown, { readonly level: string; readonly budget: number }> = new Map([
  ['minimal', { level: 'MINIMAL', budget: 1_024 }],
  ['low', { level: 'LOW', budget: 1_024 }],
  ['medium', { level: 'MEDIUM', budget: 8_192 }],
  ['high', { level: 'HIGH', budget: 24_576 }],
  ['xhigh', { level: 'HIGH', budget: 24_576 }],
  ['max', { level: 'HIGH', budget: 24_576 }],
]);

// The highest budget that every thinking model of Google accepts.
const MAX_BUDGET = 24_576;

/**
 * `reasoning_effort` and `thinking` as Google's `thinkingConfig`; null if neither is set. An effort takes precedence
 * over a budget, as with Anthropic's newer models.
 * @throws OneVaultError unsupported_feature or invalid_request, with `param` naming the field
 */
export const thinkingConfig = (chat: ChatRequest, model: string, unsupported: UnsupportedFields): JsonObject | null => {
  const effort = chat.reasoning_effort ?? null;
  const thinking = isObject(chat.thinking) ? chat.thinking : null;
  if (effort === 'none' || thinking?.type === 'disabled') {
    if (!isThirdGeneration(model)) return { thinkingBudget: 0 };
    unsupported.add(effort === 'none' ? 'reasoning_effort' : 'thinking', 'Gemini 3 and later cannot stop thinking');
    return { thinkingLevel: 'MINIMAL' };
  }
  const amount = effort === null ? budgetOf(thinking) : amountOf(effort, model);
  const is_shown = thinking !== null && thinking.display !== 'omitted';
  const config = { ...amount, ...(is_shown ? { includeThoughts: true } : {}) };
  return Object.keys(config).length === 0 ? null : config;
};

const amountOf = (effort: unknown, model: string): JsonObject => {
  const known = EFFORTS.get(effort);
  if (known === undefined) {
    throw invalid('reasoning_effort', `must be one of none, ${[...EFFORTS.keys()].join(', ')}`);
  }
  return isThirdGeneration(model) ? { thinkingLevel: known.level } : { thinkingBudget: known.budget };
};

const budgetOf = (thinking: JsonObject | null): JsonObject => {
  if (thinking?.type !== 'enabled') return {};
  const { budget_tokens } = thinking;
  if (typeof budget_tokens !== 'number') throw invalid('thinking.budget_tokens', 'must be a number');
  return { thinkingBudget: Math.min(budget_tokens, MAX_BUDGET) };
};
