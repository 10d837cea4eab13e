import { createValidator } from '../../../../http/validate.ts';
import { jsonBody, TEXT_BODY_LIMIT_BYTES } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type EmbeddingsWriter, embeddingsOperation } from '../../operations/embeddings.ts';
import { openAiErrorFormat } from '../openai/error-format.ts';
import schema from './embeddings.schema.json' with { type: 'json' };
import { responseOf } from './response.ts';
import { preferencesOf, type RoutingPreferences } from './routing-preferences.ts';

interface AiEmbeddingsRequest extends RoutingPreferences {
  readonly input: string | readonly string[];
  readonly dimensions?: number;
}

/**
 * The unified form of embeddings. Without a model, the gateway chooses one. Vectors of different models cannot be
 * compared: clients that store them should then name the model of the first response.
 */
export const createAiEmbeddings = (): ClientProtocol => {
  const validate = createValidator<AiEmbeddingsRequest>(schema);
  return {
    path: '/v1/ai/embeddings',
    endpoint: '/v1/ai/embeddings',
    protocol_name: null,
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    body_limit_bytes: TEXT_BODY_LIMIT_BYTES,
    read: (body) => {
      const preferences = validate(body);
      const { model = '', input, dimensions } = preferences;
      const request = { model, input, ...(dimensions === undefined ? {} : { dimensions }) };
      return {
        ...preferencesOf(preferences, 'embedding'),
        stream: false,
        include_usage: false,
        operation: embeddingsOperation({ request, unsupported: [], locate: (param) => param }, write),
      };
    },
  };
};

const write: EmbeddingsWriter = ({ vectors }) => {
  const data = vectors.map((embedding, index) => ({ index, embedding }));
  return (call, rating) => JSON.stringify({ ...responseOf('ai.embeddings', call, rating), data });
};
