import type { ClientProtocol } from '../client-protocol.ts';
import { createAiCompletions } from './ai/completions.ts';
import { createAiEmbeddings } from './ai/embeddings.ts';
import { createAiImages } from './ai/images.ts';
import { createCountTokens } from './anthropic/count-tokens.ts';
import { createMessages } from './anthropic/messages.ts';
import { createBatchEmbedContents, createEmbedContent } from './google/embed-content.ts';
import {
  createGenerateContent,
  createGoogleCountTokens,
  createStreamGenerateContent,
} from './google/generate-content.ts';
import { createChatCompletions } from './openai/chat-completions.ts';
import { createEmbeddings } from './openai/embeddings.ts';
import { createImages } from './openai/images.ts';
import { createResponses } from './openai/responses/responses.ts';
import { createSpeech } from './openai/speech.ts';
import { createTranscriptions } from './openai/transcriptions.ts';

/** Creates the protocols of all endpoints that take calls. */
export const createClientProtocols = (): readonly ClientProtocol[] => [
  createChatCompletions(),
  createResponses(),
  createEmbeddings(),
  createImages(),
  createSpeech(),
  createTranscriptions(),
  createMessages(),
  createCountTokens(),
  createGenerateContent(),
  createStreamGenerateContent(),
  createGoogleCountTokens(),
  createEmbedContent(),
  createBatchEmbedContents(),
  createAiCompletions(),
  createAiEmbeddings(),
  createAiImages(),
];
