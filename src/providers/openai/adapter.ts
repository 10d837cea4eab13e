import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { messageOf, refusalError } from '../response-error.ts';
import { type ChatDialect, OPENAI } from './compatibility-profile.ts';
import { createEmbeddings, type EmbeddingsDialect, embeddings, embeddingsPassage } from './embeddings.ts';
import { createImagesPassage, images } from './images.ts';
import { createChatPassage } from './passthrough.ts';
import { createRealtime, OPENAI_REALTIME, type RealtimeDialect } from './realtime.ts';
import { createChatRequest } from './request.ts';
import { createChatResponse } from './response.ts';
import { createResponsesPassage } from './responses.ts';
import { createOpenAiStream } from './stream.ts';

/** OpenAI's API. */
export const createOpenAi = (clock: Clock): ProviderAdapter => ({
  ...createCompatible(OPENAI, clock),
  embeddings,
  images,
  realtime: createRealtime(OPENAI_REALTIME),
  passages: {
    'openai-chat': createChatPassage(OPENAI, clock),
    'openai-embeddings': embeddingsPassage,
    'openai-images': createImagesPassage(clock),
    'openai-responses': createResponsesPassage(clock),
  },
});

/** The chat completions of an API made like OpenAI's, and its embeddings and realtime sessions where it has some. */
export const createCompatible = (
  dialect: ChatDialect,
  clock: Clock,
  embeddings_dialect: EmbeddingsDialect | null = null,
  realtime_dialect: RealtimeDialect | null = null,
): ProviderAdapter => ({
  ...(realtime_dialect === null ? {} : { realtime: createRealtime(realtime_dialect) }),
  ...(embeddings_dialect === null ? {} : { embeddings: createEmbeddings(embeddings_dialect) }),
  chat: {
    request: createChatRequest(dialect),
    response: createChatResponse(dialect, clock),
    stream: createOpenAiStream(dialect, clock),
  },
  probe: (upstream) => dialect.probe(upstream),
  passages: { 'openai-chat': createChatPassage(dialect, clock) },
  error: (reply, upstream) =>
    refusalError({ status: reply.status, headers: reply.headers, message: messageOf(reply.body) }, upstream, clock),
});
