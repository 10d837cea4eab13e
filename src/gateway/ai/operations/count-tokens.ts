import type { Answer, Work } from '../operation.ts';
import { countUsage } from '../token-count.ts';
import { losesOf, promptText, type ReadChat } from './chat.ts';

/**
 * The count of a prompt's tokens: the provider's own where it has an endpoint for that, else ours. It costs nothing,
 * but it is a call like any other, since the prompt may leave for the provider.
 * @param write the body that tells the count
 */
export const countTokensWork = (read: ReadChat, write: (tokens: number) => string): Work => {
  const answerOf = (tokens: number): Answer => ({
    usage: null,
    written: () => '',
    body: () => write(tokens),
  });
  return {
    isBilled: false,
    capability: 'chat',
    isServedBy: () => true,
    promptText: () => promptText(read),
    mostPromptTokens: () => 0,
    mostCompletionTokens: () => 0,
    translate: (adapter, target, losses) => {
      const operation = adapter.count_tokens;
      if (operation === undefined) return null;
      return {
        request: operation.request(read.chat, target, losesOf(read, losses)),
        whole: (text) => answerOf(operation.response(text).result),
        stream: () => {
          throw new Error('a count of tokens is not streamed');
        },
      };
    },
    answer: async () => answerOf((await countUsage(read.chat, '')).prompt_tokens),
    countUsage: (written) => countUsage(read.chat, written),
  };
};
