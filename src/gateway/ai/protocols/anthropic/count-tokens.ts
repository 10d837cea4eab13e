import { createValidator } from '../../../../http/validate.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { countTokensOperation } from '../../operations/count-tokens.ts';
import { anthropicErrorFormat } from './error-format.ts';
import schema from './messages.schema.json' with { type: 'json' };
import type { MessagesRequest } from './messages-request.ts';
import { readRequest } from './read.ts';

/** Anthropic's endpoint that counts the tokens of a messages request. */
export const createCountTokens = (): ClientProtocol => {
  const validate = createValidator<MessagesRequest>(schema);
  return {
    path: '/v1/messages/count_tokens',
    endpoint: '/v1/messages/count_tokens',
    protocol_name: 'anthropic-count-tokens',
    error_format: anthropicErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      return {
        model: request.model,
        type: 'count_tokens',
        priority: null,
        max_cost: null,
        stream: false,
        include_usage: false,
        operation: countTokensOperation(readRequest(request), (input_tokens) => JSON.stringify({ input_tokens })),
      };
    },
  };
};
