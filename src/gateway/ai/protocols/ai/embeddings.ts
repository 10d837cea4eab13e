import { createValidator } from '../../../../http/validate.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type EmbeddingsWriter, embeddingsWork } from '../../operations/embeddings.ts';
import { openAiDialect } from '../openai/error-format.ts';
import schema from './embeddings.schema.json' with { type: 'json' };
import { answerOf } from './response.ts';
import { type Wish, wishOf } from './routing-preferences.ts';

interface AiEmbeddingsRequest extends Wish {
  readonly input: string | readonly string[];
  readonly dimensions?: number;
}

/**
 * The unified form of embeddings. Where no model is named, the gateway picks it; vectors of different models cannot
 * be compared, so who keeps them should name the model that the answer tells.
 */
export const createAiEmbeddings = (): ClientProtocol => {
  const validate = createValidator<AiEmbeddingsRequest>(schema);
  return {
    path: '/v1/ai/embeddings',
    endpoint: '/v1/ai/embeddings',
    wire: null,
    dialect: openAiDialect,
    read: (body) => {
      const wish = validate(body);
      const { model = '', input, dimensions } = wish;
      const request = { model, input, ...(dimensions === undefined ? {} : { dimensions }) };
      return {
        ...wishOf(wish, 'embedding'),
        stream: false,
        include_usage: false,
        work: embeddingsWork({ request, losses: [], locate: (param) => param }, write),
      };
    },
  };
};

const write: EmbeddingsWriter = ({ vectors }) => {
  const data = vectors.map((embedding, index) => ({ index, embedding }));
  return (call, rating) => JSON.stringify({ ...answerOf('ai.embeddings', call, rating), data });
};
