import type { Clock } from '../../core/clock.ts';
import type {
  AdapterResponse,
  ChatRequest,
  ChatResponse,
  ProviderAdapter,
  RequestTarget,
  UpstreamRequest,
} from '../contract.ts';
import { isObject, malformed, parseReply } from '../json.ts';
import { messageOf, refusalError } from '../reply-error.ts';
import { createOpenAiStream } from './stream.ts';
import { usageOf } from './usage.ts';

/** OpenAI's chat completions, which is the pivot form itself: bodies pass, unknown fields included. */
export const createOpenAi = (clock: Clock): ProviderAdapter => ({
  protocol: 'openai',
  request,
  response,
  stream: createOpenAiStream(clock),
  error: (reply, upstream) =>
    refusalError(
      { status: reply.status, headers: reply.headers, message: messageOf(reply.body) },
      upstream,
      clock,
    ),
});

const request = (chat: ChatRequest, target: RequestTarget): UpstreamRequest => ({
  path: '/chat/completions',
  headers: {
    authorization: `Bearer ${target.upstream.api_key}`,
    'content-type': 'application/json',
    accept: target.stream ? 'text/event-stream' : 'application/json',
  },
  body: JSON.stringify(target.stream ? streamed(chat, target.model) : whole(chat, target.model)),
});

const streamed = (chat: ChatRequest, model: string): object => ({
  ...chat,
  model,
  stream: true,
  stream_options: { ...chat.stream_options, include_usage: true },
});

const whole = (chat: ChatRequest, model: string): object => {
  if (chat.stream !== true && chat.stream_options === undefined) return { ...chat, model };
  // The API refuses stream_options on a call that does not stream.
  const { stream: _stream, stream_options: _options, ...rest } = chat;
  return { ...rest, model };
};

const response = (text: string): AdapterResponse => {
  const body = parseReply(text);
  assertChatResponse(body);
  return { body, text, usage: usageOf(body.usage) };
};

function assertChatResponse(body: object): asserts body is ChatResponse {
  const { choices, model } = body as { choices?: unknown; model?: unknown };
  if (!Array.isArray(choices) || choices.length === 0)
    throw malformed('choices is not a list with something in it');
  if (model !== undefined && typeof model !== 'string') throw malformed('model is not a text');
  for (const choice of choices as unknown[]) {
    const message = isObject(choice) ? choice.message : undefined;
    if (!isObject(message)) throw malformed('a choice has no message');
    const { content, tool_calls } = message;
    if (content !== undefined && content !== null && typeof content !== 'string') {
      throw malformed('the content of a message is not a text');
    }
    if (tool_calls !== undefined && tool_calls !== null && !Array.isArray(tool_calls)) {
      throw malformed('tool_calls is not a list');
    }
  }
}
