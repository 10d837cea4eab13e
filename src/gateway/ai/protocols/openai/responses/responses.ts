import { errorEnvelope } from '../../../../../http/envelope.ts';
import { createValidator } from '../../../../../http/validate.ts';
import { invalid } from '../../../../../providers/invalid.ts';
import { jsonBody } from '../../../body-reader.ts';
import type { ClientProtocol, ErrorFormat } from '../../../client-protocol.ts';
import { chatOperation } from '../../../operations/chat.ts';
import { openAiErrorFormat } from '../error-format.ts';
import { readRequest } from './read.ts';
import schema from './responses.schema.json' with { type: 'json' };
import type { ResponsesRequest } from './responses-request.ts';
import { responsesWriter } from './write.ts';

/** OpenAI's responses: its SDKs work with only the base URL changed. */
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
      refuseBackgroundAndEmpty(request);
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

/** Refuses background responses, whose usage nobody would see, and requests without a prompt. */
const refuseBackgroundAndEmpty = (request: ResponsesRequest): void => {
  if (request.background === true) throw invalid('background', 'must be false: the gateway stores no responses');
  const { input, instructions, previous_response_id, conversation, prompt } = request;
  const has_prompt = [input, instructions, previous_response_id, conversation, prompt].some(
    (given) => given !== undefined && given !== null && given.length !== 0,
  );
  if (!has_prompt) throw invalid('input', 'is missing');
};

/** A stream that breaks ends with the protocol's error event, which also holds the gateway's own fields. */
const responsesErrorFormat: ErrorFormat = {
  ...openAiErrorFormat,
  broken: (error, request_id, now_ms, sequence_number) => {
    const envelope = errorEnvelope(error, request_id, now_ms);
    const { code, message, param } = envelope.error;
    const event = { type: 'error', sequence_number, code, message, param, ...envelope };
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
  },
};
