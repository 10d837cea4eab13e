import type { ChatRequest, Usage } from '../providers/contract.ts';

// What OpenAI's chat format adds around each message and before the reply (OpenAI cookbook, "How to count tokens").
const TOKENS_PER_MESSAGE = 3;
const TOKENS_BEFORE_REPLY = 3;

/**
 * Counts a call's tokens where its provider told none: with o200k_base, the encoding of OpenAI's present models,
 * which is close to others' and marked as counted in the record. The tokenizer is loaded with the first count.
 * @param produced the text that the provider produced
 */
export const countUsage = async (chat: ChatRequest, produced: string): Promise<Usage> => {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  let prompt_tokens = TOKENS_BEFORE_REPLY;
  for (const { role, content } of chat.messages) {
    prompt_tokens += TOKENS_PER_MESSAGE + countTokens(role);
    if (typeof content === 'string') prompt_tokens += countTokens(content);
    else for (const part of content ?? []) prompt_tokens += countTokens(part.text ?? '');
  }
  const completion_tokens = countTokens(produced);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    cached_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
  };
};
