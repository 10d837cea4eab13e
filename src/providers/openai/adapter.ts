import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { messageOf, refusalError } from '../reply-error.ts';
import { createChatPassage } from './passage.ts';
import { chatRequest } from './request.ts';
import { chatResponse } from './response.ts';
import { createOpenAiStream } from './stream.ts';

/** OpenAI's API, and the APIs made like it. */
export const createOpenAi = (clock: Clock): ProviderAdapter => ({
  chat: { request: chatRequest, response: chatResponse, stream: createOpenAiStream(clock) },
  passages: { 'openai-chat': createChatPassage(clock) },
  error: (reply, upstream) =>
    refusalError(
      { status: reply.status, headers: reply.headers, message: messageOf(reply.body) },
      upstream,
      clock,
    ),
});
