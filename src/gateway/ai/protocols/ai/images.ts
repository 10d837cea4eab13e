import { createValidator } from '../../../../http/validate.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ImagesWriter, imagesOperation } from '../../operations/images.ts';
import { openAiErrorFormat } from '../openai/error-format.ts';
import schema from './images.schema.json' with { type: 'json' };
import { responseOf } from './response.ts';
import { preferencesOf, type RoutingPreferences } from './routing-preferences.ts';

interface AiImagesRequest extends RoutingPreferences {
  readonly prompt: string;
  readonly n?: number;
  readonly size?: string;
  readonly quality?: string;
}

/** The unified form of images. Each image is base64 or a URL, as the provider returns it. */
export const createAiImages = (): ClientProtocol => {
  const validate = createValidator<AiImagesRequest>(schema);
  return {
    path: '/v1/ai/images/generations',
    endpoint: '/v1/ai/images/generations',
    protocol_name: null,
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const preferences = validate(body);
      const { type: _type, priority: _priority, max_cost: _max, model = '', ...drawn } = preferences;
      return {
        ...preferencesOf(preferences, 'image'),
        stream: false,
        include_usage: false,
        operation: imagesOperation({ model, ...drawn }, write),
      };
    },
  };
};

const write: ImagesWriter =
  ({ data }) =>
  (call, rating) =>
    JSON.stringify({ ...responseOf('ai.images', call, rating), data });
