import type { ClientProtocol } from '../client-protocol.ts';
import { createAiCompletions } from './ai-completions.ts';
import { createCountTokens } from './anthropic/count-tokens.ts';
import { createMessages } from './anthropic/messages.ts';
import { createChatCompletions } from './openai/chat-completions.ts';

/** Every endpoint that takes calls. */
export const createClientProtocols = (): readonly ClientProtocol[] => [
  createChatCompletions(),
  createMessages(),
  createCountTokens(),
  createAiCompletions(),
];
