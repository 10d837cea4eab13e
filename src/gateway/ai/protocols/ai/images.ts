import { createValidator } from '../../../../http/validate.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ImagesWriter, imagesWork } from '../../operations/images.ts';
import { openAiDialect } from '../openai/error-format.ts';
import schema from './images.schema.json' with { type: 'json' };
import { answerOf } from './response.ts';
import { type Wish, wishOf } from './routing-preferences.ts';

interface AiImagesRequest extends Wish {
  readonly prompt: string;
  readonly n?: number;
  readonly size?: string;
  readonly quality?: string;
}

/** The unified form of pictures: each comes as base64 or as an address, as the provider gives it. */
export const createAiImages = (): ClientProtocol => {
  const validate = createValidator<AiImagesRequest>(schema);
  return {
    path: '/v1/ai/images/generations',
    endpoint: '/v1/ai/images/generations',
    wire: null,
    dialect: openAiDialect,
    read: (body) => {
      const wish = validate(body);
      const { type: _type, priority: _priority, max_cost: _max, model = '', ...drawn } = wish;
      return {
        ...wishOf(wish, 'image'),
        stream: false,
        include_usage: false,
        work: imagesWork({ model, ...drawn }, write),
      };
    },
  };
};

const write: ImagesWriter =
  ({ data }) =>
  (call, rating) =>
    JSON.stringify({ ...answerOf('ai.images', call, rating), data });
