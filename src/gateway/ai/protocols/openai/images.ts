import { OneVaultError } from '../../../../core/errors.ts';
import { createValidator } from '../../../../http/validate.ts';
import type { ImageRequest } from '../../../../providers/image-form.ts';
import { tokenUsageJson } from '../../../../providers/openai/token-usage.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ImagesWriter, imagesOperation } from '../../operations/images.ts';
import { openAiErrorFormat } from './error-format.ts';
import schema from './images.schema.json' with { type: 'json' };

/**
 * OpenAI's image generation: its SDKs work with only the base URL changed. Without a model, the gateway chooses one.
 */
export const createImages = (): ClientProtocol => {
  const validate = createValidator<Omit<ImageRequest, 'model'> & { readonly model?: string | null }>(schema);
  return {
    path: '/v1/images/generations',
    endpoint: '/v1/images/generations',
    protocol_name: 'openai-images',
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      const stream = request.stream === true;
      const operation = imagesOperation({ ...request, model: request.model ?? '' } as ImageRequest, WRITER);
      return {
        model: request.model ?? null,
        type: 'image',
        priority: null,
        max_cost: null,
        stream,
        include_usage: true,
        operation: stream ? { ...operation, translate: refuseStream } : operation,
      };
    },
  };
};

const refuseStream = (): never => {
  const details = 'Only providers with OpenAI\'s image protocol stream images. Send "stream": false.';
  throw new OneVaultError('unsupported_feature', { param: 'stream', details });
};

const WRITER: ImagesWriter =
  ({ usage: _reported, ...response }) =>
  ({ usage }) =>
    JSON.stringify(usage === null ? response : { ...response, usage: tokenUsageJson(usage) });
