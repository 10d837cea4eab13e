import { createValidator } from '../../../../http/validate.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol, ClientRequest, ParsedRequest } from '../../client-protocol.ts';
import { chatOperation } from '../../operations/chat.ts';
import { countTokensOperation } from '../../operations/count-tokens.ts';
import { arrayForm } from './array-form.ts';
import { googleErrorFormat } from './error-format.ts';
import schema from './generate-content.schema.json' with { type: 'json' };
import type { GenerateRequest } from './generate-request.ts';
import { normalise, SHAPES } from './normalise.ts';
import { readRequest } from './read.ts';
import { createContentWriter } from './write.ts';

/** A parsed request that only names a model. */
export const plainRequest = (model: string): Omit<ParsedRequest, 'operation'> => ({
  model,
  type: 'completion',
  priority: null,
  max_cost: null,
  stream: false,
  include_usage: true,
});

/** Google's generateContent: its SDKs work with only the base URL changed. */
export const createGenerateContent = (): ClientProtocol => {
  const read = createChatReader();
  return {
    path: '/v1{beta}/models/*model\\:generateContent',
    endpoint: '/v1beta/models/{model}:generateContent',
    protocol_name: 'google-generate',
    error_format: googleErrorFormat,
    body_reader: jsonBody,
    read: (body, request) => read(body, request, false),
  };
};

/** Google's streamGenerateContent: server-sent events with `alt=sse`, else a list. */
export const createStreamGenerateContent = (): ClientProtocol => {
  const read = createChatReader();
  return {
    path: '/v1{beta}/models/*model\\:streamGenerateContent',
    endpoint: '/v1beta/models/{model}:streamGenerateContent',
    protocol_name: 'google-generate',
    error_format: googleErrorFormat,
    body_reader: jsonBody,
    read: (body, request) => {
      const parsed = read(body, request, true);
      return request.query.alt === 'sse' ? parsed : { ...parsed, stream_form: arrayForm };
    },
  };
};

const createChatReader = () => {
  const validate = createValidator<GenerateRequest>(schema);
  return (body: unknown, { params }: ClientRequest, stream: boolean): ParsedRequest => {
    const request = validate(normalise(body, SHAPES.generate));
    const model = params.model ?? '';
    const shows_thoughts = request.generationConfig?.thinkingConfig?.includeThoughts === true;
    const operation = chatOperation(readRequest(request, { model, stream }), createContentWriter({ shows_thoughts }));
    return { ...plainRequest(model), stream, operation };
  };
};

/** Google's countTokens, for a whole request or for its contents alone. */
export const createGoogleCountTokens = (): ClientProtocol => {
  const validate = createValidator<GenerateRequest>(schema);
  return {
    path: '/v1{beta}/models/*model\\:countTokens',
    endpoint: '/v1beta/models/{model}:countTokens',
    protocol_name: 'google-count-tokens',
    error_format: googleErrorFormat,
    body_reader: jsonBody,
    read: (body, { params }) => {
      const given = normalise(body, SHAPES.count) as { readonly generateContentRequest?: unknown } | null;
      const request = validate(given?.generateContentRequest ?? given);
      const model = params.model ?? '';
      const read = readRequest(request, { model, stream: false });
      const operation = countTokensOperation(read, (totalTokens) => JSON.stringify({ totalTokens }));
      return { ...plainRequest(model), type: 'count_tokens', operation };
    },
  };
};
