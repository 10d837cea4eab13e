import { createValidator } from '../../../../http/validate.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { chatOperation } from '../../operations/chat.ts';
import { anthropicErrorFormat } from './error-format.ts';
import schema from './messages.schema.json' with { type: 'json' };
import type { MessagesRequest } from './messages-request.ts';
import { readRequest } from './read.ts';
import { messagesWriter } from './write.ts';

/** Anthropic's messages: its SDKs work with only the base URL changed. */
export const createMessages = (): ClientProtocol => {
  const validate = createValidator<MessagesRequest>(schema);
  return {
    path: '/v1/messages',
    endpoint: '/v1/messages',
    protocol_name: 'anthropic-messages',
    error_format: anthropicErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      if (request.max_tokens === undefined) throw invalid('max_tokens', 'is missing');
      return {
        model: request.model,
        type: 'completion',
        priority: null,
        max_cost: null,
        stream: request.stream === true,
        include_usage: true,
        operation: chatOperation(readRequest(request), messagesWriter),
      };
    },
  };
};
