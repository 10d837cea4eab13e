import { createValidator } from '../../../../../http/validate.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { jsonBody } from '../../../body-reader.ts';
import type { ClientProtocol } from '../../../client-protocol.ts';
import { chatOperation } from '../../../operations/chat.ts';
import { responsesErrorFormat } from './error-format.ts';
import { readRequest } from './read.ts';
import schema from './responses.schema.json' with { type: 'json' };
import type { ResponsesRequest } from './responses-request.ts';
import { responsesWriter } from './write.ts';

/** OpenAI's responses, so that its SDKs work with only the base URL changed. */
export const createResponses = (): ClientProtocol => {
  const validate = createValidator<ResponsesRequest>(schema);
  return {
    path: '/v1/responses',
    endpoint: '/v1/responses',
    protocol_name: 'openai-responses',
    error_format: responsesErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      refuseUnanswerable(request);
      return {
        model: request.model,
        type: 'completion',
        priority: null,
        max_cost: null,
        stream: request.stream === true,
        include_usage: true,
        operation: chatOperation(readRequest(request), responsesWriter(request)),
      };
    },
  };
};

/** Of a response in the background nobody would see what it used, and one without a prompt says nothing. */
const refuseUnanswerable = (request: ResponsesRequest): void => {
  if (request.background === true) throw invalid('background', 'must be false: replies are not kept here');
  const { input, instructions, previous_response_id, conversation, prompt } = request;
  const is_asked = [input, instructions, previous_response_id, conversation, prompt].some(
    (given) => given !== undefined && given !== null && given.length !== 0,
  );
  if (!is_asked) throw invalid('input', 'is missing');
};
