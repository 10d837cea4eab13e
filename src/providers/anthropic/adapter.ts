import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { errorCodeOf, messageOf, refusalError } from '../response-error.ts';
import { countTokens } from './count-tokens.ts';
import { createCountPassage, createMessagesPassage } from './passthrough.ts';
import { post } from './protocol.ts';
import { messagesRequest } from './request.ts';
import { chatResponse } from './response.ts';
import { createAnthropicStream } from './stream.ts';

/** Anthropic's messages API. */
export const createAnthropic = (clock: Clock): ProviderAdapter => ({
  chat: {
    request: (chat, target, losses) =>
      post('/v1/messages', JSON.stringify(messagesRequest(chat, target, losses)), target),
    response: (text) => chatResponse(text, clock),
    stream: createAnthropicStream(clock),
  },
  count_tokens: countTokens,
  probe: (upstream) => ({
    ...post('/v1/models?limit=1', '', { model: '', stream: false, upstream }),
    method: 'GET',
  }),
  passages: {
    'anthropic-messages': createMessagesPassage(clock),
    'anthropic-count-tokens': createCountPassage(),
  },
  error: (reply, upstream) =>
    refusalError(
      {
        status: reply.status,
        headers: reply.headers,
        message: messageOf(reply.body),
        wire_code: errorCodeOf(reply.body),
      },
      upstream,
      clock,
    ),
});
