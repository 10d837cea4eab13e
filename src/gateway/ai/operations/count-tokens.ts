import type { Operation, ProviderResponse } from '../operation.ts';
import { countUsage } from '../token-count.ts';
import { promptText, type ReadChat, unsupportedOf } from './chat.ts';

/**
 * Counts a prompt's tokens: by the provider's endpoint if it has one, else by the gateway. It costs nothing, but is
 * recorded as a call because the prompt may go to the provider.
 * @param write writes the client's body
 */
export const countTokensOperation = (read: ReadChat, write: (tokens: number) => string): Operation => {
  const responseOf = (tokens: number): ProviderResponse => ({
    usage: null,
    written: () => '',
    body: () => write(tokens),
  });
  return {
    isBilled: false,
    capability: 'chat',
    isServedBy: () => true,
    promptText: () => promptText(read),
    maxPromptTokens: () => 0,
    maxCompletionTokens: () => 0,
    translate: (adapter, target, unsupported) => {
      const operation = adapter.count_tokens;
      if (operation === undefined) return null;
      return {
        request: operation.request(read.chat, target, unsupportedOf(read, unsupported)),
        whole: (text) => responseOf(operation.response(text).result),
        stream: () => {
          throw new Error('a count of tokens is not streamed');
        },
      };
    },
    ownResponse: async () => responseOf((await countUsage(read.chat, '')).prompt_tokens),
    countUsage: (written) => countUsage(read.chat, written),
  };
};
