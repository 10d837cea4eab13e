import { createValidator } from '../../../../http/validate.ts';
import type { ChatRequest } from '../../../../providers/chat-form.ts';
import { usageJson } from '../../../../providers/openai/usage.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ChatWriter, chatOperation } from '../../operations/chat.ts';
import schema from './chat-completions.schema.json' with { type: 'json' };
import { openAiErrorFormat } from './error-format.ts';
import { chatTools } from './read-hosted-tools.ts';

/** OpenAI's chat completions: its SDKs work with only the base URL changed. It is the pivot form itself. */
export const createChatCompletions = (): ClientProtocol => {
  const validate = createValidator<ChatRequest>(schema);
  return {
    path: '/v1/chat/completions',
    endpoint: '/v1/chat/completions',
    protocol_name: 'openai-chat',
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const chat = validate(body);
      const include_usage = chat.stream_options?.include_usage === true;
      const hosted_tools = chatTools(chat);
      const read = { chat, unsupported: [], unread: [], hosted_tools, locate: (param: string) => param };
      return {
        model: chat.model,
        type: 'completion',
        priority: null,
        max_cost: null,
        stream: chat.stream === true,
        include_usage,
        operation: chatOperation(read, createWriter(include_usage)),
      };
    },
  };
};

/** Writes the pivot form unchanged. Usage follows OpenAI: null in each chunk, and one last chunk for it. */
const createWriter = (include_usage: boolean): ChatWriter => ({
  whole: (response) => (call) =>
    JSON.stringify(call.usage === null ? response : { ...response, usage: usageJson(call.usage) }),
  stream: () => {
    let head: object = {};
    return {
      chunk: (chunk) => {
        const { id, object, created, model } = chunk;
        head = { id, object, created, model };
        return `data: ${JSON.stringify(include_usage ? { ...chunk, usage: null } : chunk)}\n\n`;
      },
      last: ({ usage }) => {
        const usage_chunk = include_usage && usage !== null ? { ...head, choices: [], usage: usageJson(usage) } : null;
        return `${usage_chunk === null ? '' : `data: ${JSON.stringify(usage_chunk)}\n\n`}data: [DONE]\n\n`;
      },
    };
  },
});
