import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { errorCodeOf, messageOf, refusalError } from '../response-error.ts';
import { countTokens } from './count-tokens.ts';
import { createCountPassthrough, createMessagesPassthrough } from './passthrough.ts';
import { post } from './protocol.ts';
import { messagesRequest } from './request.ts';
import { chatResponse } from './response.ts';
import { createAnthropicStream } from './stream.ts';

/** Anthropic's messages API. */
export const createAnthropic = (clock: Clock): ProviderAdapter => ({
  chat: {
    request: (chat, target, unsupported) =>
      post('/v1/messages', JSON.stringify(messagesRequest(chat, target, unsupported)), target),
    response: (text) => chatResponse(text, clock),
    stream: createAnthropicStream(clock),
  },
  count_tokens: countTokens,
  probe: (upstream) => ({
    ...post('/v1/models?limit=1', '', { model: '', stream: false, upstream }),
    method: 'GET',
  }),
  passthroughs: {
    'anthropic-messages': createMessagesPassthrough(clock),
    'anthropic-count-tokens': createCountPassthrough(),
  },
  error: (response, upstream) =>
    refusalError(
      {
        status: response.status,
        headers: response.headers,
        message: messageOf(response.body),
        protocol_code: errorCodeOf(response.body),
      },
      upstream,
      clock,
    ),
});
