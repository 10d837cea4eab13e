import { errorEnvelope } from '../../http/envelope.ts';
import { createValidator } from '../../http/validate.ts';
import type { ChatRequest } from '../../providers/contract.ts';
import type { ClientProtocol } from '../call.ts';
import schema from './chat-completions.schema.json' with { type: 'json' };

/** OpenAI's chat completions, so that its SDKs work with only the base URL changed. It is the pivot form itself. */
export const createChatCompletions = (): ClientProtocol => {
  const validate = createValidator<ChatRequest>(schema);
  return {
    endpoint: '/v1/chat/completions',
    read: (body) => {
      const chat = validate(body);
      return {
        chat,
        model: chat.model,
        type: 'completion',
        priority: null,
        max_cost: null,
        stream: chat.stream === true,
        include_usage: chat.stream_options?.include_usage === true,
      };
    },
    reply: (response) => response.text,
    frame: (chunk) => `data: ${chunk}\n\n`,
    end: () => 'data: [DONE]\n\n',
    broken: (error, call, now_ms) =>
      `data: ${JSON.stringify(errorEnvelope(error, call.request_id, now_ms))}\n\n`,
  };
};
