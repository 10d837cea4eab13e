import { OneVaultError } from '../../../../core/errors.ts';
import { createValidator } from '../../../../http/validate.ts';
import type { ChatChunk, ChatMessage, ChatRequest } from '../../../../providers/chat-form.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ChatWriter, chatOperation } from '../../operations/chat.ts';
import { openAiErrorFormat } from '../openai/error-format.ts';
import schema from './completions.schema.json' with { type: 'json' };
import { responseOf } from './response.ts';
import { preferencesOf, type RoutingPreferences } from './routing-preferences.ts';

interface AiRequest extends RoutingPreferences {
  readonly prompt?: string;
  readonly messages?: readonly ChatMessage[];
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly stream?: boolean;
}

// Bounds the cost of a call without a limit of the client, so that max_cost can be guaranteed.
const DEFAULT_MAX_TOKENS = 1_024;

/**
 * The unified form of a completion; the gateway chooses the model. The response holds the text, its origin, usage and
 * cost. In a stream, each event is `{"delta": "…"}`, and the last one is the whole response without its text.
 */
export const createAiCompletions = (): ClientProtocol => {
  const validate = createValidator<AiRequest>(schema);
  return {
    path: '/v1/ai/completions',
    endpoint: '/v1/ai/completions',
    protocol_name: null,
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      const read = { chat: chatOf(request), unsupported: [], unread: [], locate: (param: string) => param };
      return {
        ...preferencesOf(request, 'completion'),
        stream: request.stream === true,
        include_usage: false,
        operation: chatOperation(read, WRITER),
      };
    },
  };
};

const OBJECT = 'ai.completion';

const WRITER: ChatWriter = {
  whole: ({ choices: [choice] }) => {
    const finish_reason = choice?.finish_reason ?? null;
    const text = choice?.message.content ?? '';
    return (call, rating) => JSON.stringify({ ...responseOf(OBJECT, call, rating), finish_reason, text });
  },
  stream: () => ({
    chunk: (chunk) => {
      const delta = deltaOf(chunk);
      return delta === '' ? '' : `data: ${JSON.stringify({ delta })}\n\n`;
    },
    last: (call, rating) => `data: ${JSON.stringify(responseOf(OBJECT, call, rating))}\n\n`,
  }),
};

const chatOf = (request: AiRequest): ChatRequest => {
  if ((request.prompt === undefined) === (request.messages === undefined)) {
    throw new OneVaultError('invalid_request', {
      param: 'prompt',
      details: 'Send either prompt or messages.',
    });
  }
  return {
    model: request.model ?? '',
    messages: request.messages ?? [{ role: 'user', content: request.prompt! }],
    max_completion_tokens: request.max_tokens ?? DEFAULT_MAX_TOKENS,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.stream === true ? { stream: true } : {}),
  };
};

/** Text of a chunk. */
const deltaOf = ({ choices: [choice] }: ChatChunk): string => {
  const content = choice?.delta?.content;
  return typeof content === 'string' ? content : '';
};
