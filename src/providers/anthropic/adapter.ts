import type { Clock } from '../../core/clock.ts';
import type { ChatRequest, ProviderAdapter, RequestTarget, UpstreamRequest } from '../contract.ts';
import { messageOf, refusalError } from '../reply-error.ts';
import { messagesRequest } from './request.ts';
import { chatResponse } from './response.ts';
import { createAnthropicStream } from './stream.ts';

// The only version that the API has had since its first stable one; features come by header or body since.
const API_VERSION = '2023-06-01';

/** Anthropic's messages API behind the pivot form. */
export const createAnthropic = (clock: Clock): ProviderAdapter => ({
  protocol: 'anthropic',
  request,
  response: (text) => chatResponse(text, clock),
  stream: createAnthropicStream(clock),
  error: (reply, upstream) =>
    refusalError(
      { status: reply.status, headers: reply.headers, message: messageOf(reply.body) },
      upstream,
      clock,
    ),
});

const request = (chat: ChatRequest, target: RequestTarget): UpstreamRequest => ({
  path: '/v1/messages',
  headers: {
    'x-api-key': target.upstream.api_key,
    'anthropic-version': API_VERSION,
    'content-type': 'application/json',
    accept: target.stream ? 'text/event-stream' : 'application/json',
  },
  body: JSON.stringify(messagesRequest(chat, target)),
});
