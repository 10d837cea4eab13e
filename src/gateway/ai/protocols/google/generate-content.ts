import { createValidator } from '../../../../http/validate.ts';
import type { Ask, ClientProtocol, ClientRequest } from '../../client-protocol.ts';
import { chatWork } from '../../operations/chat.ts';
import { countTokensWork } from '../../operations/count-tokens.ts';
import { arrayForm } from './array-form.ts';
import { googleDialect } from './error-format.ts';
import schema from './generate-content.schema.json' with { type: 'json' };
import type { GenerateRequest } from './generate-request.ts';
import { normalise, SHAPES } from './normalise.ts';
import { readRequest } from './read.ts';
import { createContentWriter } from './write.ts';

/** A call that is about a model and nothing else. */
export const plainAsk = (model: string): Omit<Ask, 'work'> => ({
  model,
  type: 'completion',
  priority: null,
  max_cost: null,
  stream: false,
  include_usage: true,
});

/** Google's replies, whole, so that its SDKs work with only the base URL changed. */
export const createGenerateContent = (): ClientProtocol => {
  const read = createChatReader();
  return {
    path: '/v1{beta}/models/*model\\:generateContent',
    endpoint: '/v1beta/models/{model}:generateContent',
    wire: 'google-generate',
    dialect: googleDialect,
    read: (body, request) => read(body, request, false),
  };
};

/** Google's replies, streamed: as server-sent events where `alt=sse` asks for them, else as a list. */
export const createStreamGenerateContent = (): ClientProtocol => {
  const read = createChatReader();
  return {
    path: '/v1{beta}/models/*model\\:streamGenerateContent',
    endpoint: '/v1beta/models/{model}:streamGenerateContent',
    wire: 'google-generate',
    dialect: googleDialect,
    read: (body, request) => {
      const ask = read(body, request, true);
      return request.query.alt === 'sse' ? ask : { ...ask, stream_form: arrayForm };
    },
  };
};

const createChatReader = () => {
  const validate = createValidator<GenerateRequest>(schema);
  return (body: unknown, { params }: ClientRequest, stream: boolean): Ask => {
    const request = validate(normalise(body, SHAPES.generate));
    const model = params.model ?? '';
    const shows_thoughts = request.generationConfig?.thinkingConfig?.includeThoughts === true;
    const work = chatWork(readRequest(request, { model, stream }), createContentWriter({ shows_thoughts }));
    return { ...plainAsk(model), stream, work };
  };
};

/** Google's count of the tokens of such a request, or of its contents alone. */
export const createGoogleCountTokens = (): ClientProtocol => {
  const validate = createValidator<GenerateRequest>(schema);
  return {
    path: '/v1{beta}/models/*model\\:countTokens',
    endpoint: '/v1beta/models/{model}:countTokens',
    wire: 'google-count-tokens',
    dialect: googleDialect,
    read: (body, { params }) => {
      const given = normalise(body, SHAPES.count) as { readonly generateContentRequest?: unknown } | null;
      const request = validate(given?.generateContentRequest ?? given);
      const model = params.model ?? '';
      const read = readRequest(request, { model, stream: false });
      const work = countTokensWork(read, (totalTokens) => JSON.stringify({ totalTokens }));
      return { ...plainAsk(model), type: 'count_tokens', work };
    },
  };
};
