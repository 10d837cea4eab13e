import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { messageOf, refusalError } from '../response-error.ts';
import { type AudioProfile, audioPassthroughs } from './audio.ts';
import { type ChatProfile, OPENAI } from './compatibility-profile.ts';
import { createEmbeddings, type EmbeddingsProfile, embeddings, embeddingsPassthrough } from './embeddings.ts';
import { createImagesPassthrough, images } from './images.ts';
import { createChatPassthrough } from './passthrough.ts';
import { postAudio } from './post.ts';
import { createRealtime, OPENAI_REALTIME, type RealtimeProfile } from './realtime.ts';
import { createChatRequest } from './request.ts';
import { createChatResponse } from './response.ts';
import { createResponsesPassthrough } from './responses.ts';
import { createOpenAiStream } from './stream.ts';

const OPENAI_AUDIO: AudioProfile = {
  speech: (body, target, content_type) => postAudio('/audio/speech', body, target, { content_type }),
  transcriptions: (body, target, content_type) => postAudio('/audio/transcriptions', body, target, { content_type }),
};

/** OpenAI's API. */
export const createOpenAi = (clock: Clock): ProviderAdapter => ({
  ...createCompatible(OPENAI, clock),
  embeddings,
  images,
  realtime: createRealtime(OPENAI_REALTIME),
  passthroughs: {
    'openai-chat': createChatPassthrough(OPENAI, clock),
    'openai-embeddings': embeddingsPassthrough,
    'openai-images': createImagesPassthrough(clock),
    'openai-responses': createResponsesPassthrough(clock),
    ...audioPassthroughs(OPENAI_AUDIO, clock),
  },
});

/** Chat completions of an OpenAI-compatible API, and its embeddings and realtime sessions if it has them. */
export const createCompatible = (
  profile: ChatProfile,
  clock: Clock,
  embeddings_profile: EmbeddingsProfile | null = null,
  realtime_profile: RealtimeProfile | null = null,
  audio_profile: AudioProfile | null = null,
): ProviderAdapter => ({
  ...(realtime_profile === null ? {} : { realtime: createRealtime(realtime_profile) }),
  ...(embeddings_profile === null ? {} : { embeddings: createEmbeddings(embeddings_profile) }),
  chat: {
    request: createChatRequest(profile),
    response: createChatResponse(profile, clock),
    stream: createOpenAiStream(profile, clock),
  },
  probe: (upstream) => profile.probe(upstream),
  passthroughs: {
    'openai-chat': createChatPassthrough(profile, clock),
    ...(audio_profile === null ? {} : audioPassthroughs(audio_profile, clock)),
  },
  error: (response, upstream) =>
    refusalError(
      { status: response.status, headers: response.headers, message: messageOf(response.body) },
      upstream,
      clock,
    ),
});
