import type { Model } from '../../../catalog/snapshot.ts';
import type { Operation } from '../operation.ts';
import { countedUsage } from '../token-count.ts';

// Stand in where the catalog bounds neither prompt nor reply: as long as any model reads and speaks at a time.
const LONGEST_PROMPT_TOKENS = 131_072;
const LONGEST_REPLY_TOKENS = 32_768;

/** A session as the steps of a call see it: what is bounded is one response. */
export const realtimeOperation: Operation = {
  isBilled: true,
  capability: 'realtime',
  isServedBy: ({ realtime }) => realtime !== undefined,
  // It comes in the session's messages, which are looked at one by one.
  promptText: () => '',
  maxPromptTokens: ({ context_window_tokens }: Model) => context_window_tokens ?? LONGEST_PROMPT_TOKENS,
  maxCompletionTokens: ({ max_output_tokens }: Model) => max_output_tokens ?? LONGEST_REPLY_TOKENS,
  translate: () => {
    throw new Error('sessions pass as they are');
  },
  ownResponse: () => Promise.reject(new Error('we hold no sessions of our own')),
  countUsage: async () => countedUsage(0, 0),
};
