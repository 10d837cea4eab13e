import { OneVaultError } from '../../../../core/errors.ts';
import { createValidator } from '../../../../http/validate.ts';
import type { ImageRequest } from '../../../../providers/image-form.ts';
import { tokenUsageJson } from '../../../../providers/openai/token-usage.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type ImagesWriter, imagesOperation } from '../../operations/images.ts';
import { openAiErrorFormat } from './error-format.ts';
import schema from './images.schema.json' with { type: 'json' };

/** OpenAI's pictures, so that its SDKs work with only the base URL changed. Where no model is named, the gateway chooses. */
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
  const details = 'Pictures come streamed from providers that speak OpenAI\'s form only: send "stream": false.';
  throw new OneVaultError('unsupported_feature', { param: 'stream', details });
};

const WRITER: ImagesWriter =
  ({ usage: _told, ...response }) =>
  ({ usage }) =>
    JSON.stringify(usage === null ? response : { ...response, usage: tokenUsageJson(usage) });
