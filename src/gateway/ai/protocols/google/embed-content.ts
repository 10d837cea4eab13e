import { createValidator } from '../../../../http/validate.ts';
import type { JsonObject } from '../../../../providers/chat-form.ts';
import { jsonBody, TEXT_BODY_LIMIT_BYTES } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import type { UnsupportedField } from '../../operations/chat.ts';
import { type EmbeddingsWriter, embeddingsOperation, type ReadEmbeddings } from '../../operations/embeddings.ts';
import { NOTHING_LIKE_IT } from '../read-fields.ts';
import schema from './embed-content.schema.json' with { type: 'json' };
import { googleErrorFormat } from './error-format.ts';
import { plainRequest } from './generate-content.ts';
import { normalise, SHAPES } from './normalise.ts';

type EmbedRequest = JsonObject & {
  readonly content: { readonly parts: readonly (JsonObject & { readonly text?: string })[] };
  readonly taskType?: string;
  readonly title?: string;
  readonly outputDimensionality?: number;
};

interface BatchRequest {
  readonly requests: readonly EmbedRequest[];
}

/** Google's endpoint that embeds one content. */
export const createEmbedContent = (): ClientProtocol => {
  const validate = createValidator<EmbedRequest>(schema.properties.requests.items);
  return {
    path: '/v1{beta}/models/*model\\:embedContent',
    endpoint: '/v1beta/models/{model}:embedContent',
    protocol_name: 'google-embed',
    error_format: googleErrorFormat,
    body_reader: jsonBody,
    body_limit_bytes: TEXT_BODY_LIMIT_BYTES,
    read: (body, { params }) => {
      const model = params.model ?? '';
      const request = validate(normalise(body, SHAPES.embed));
      const operation = embeddingsOperation(readRequests([request], model, ''), ({ vectors }) => () => {
        return JSON.stringify({ embedding: { values: vectors[0] ?? [] } });
      });
      return { ...plainRequest(model), type: 'embedding', operation };
    },
  };
};

/** Google's endpoint that embeds several contents; its SDK uses it. */
export const createBatchEmbedContents = (): ClientProtocol => {
  const validate = createValidator<BatchRequest>(schema);
  return {
    path: '/v1{beta}/models/*model\\:batchEmbedContents',
    endpoint: '/v1beta/models/{model}:batchEmbedContents',
    protocol_name: 'google-batch-embed',
    error_format: googleErrorFormat,
    body_reader: jsonBody,
    body_limit_bytes: TEXT_BODY_LIMIT_BYTES,
    read: (body, { params }) => {
      const model = params.model ?? '';
      const { requests } = validate(normalise(body, SHAPES.batch));
      const operation = embeddingsOperation(readRequests(requests, model, 'requests[0].'), writeBatch);
      return { ...plainRequest(model), type: 'embedding', operation };
    },
  };
};

const writeBatch: EmbeddingsWriter =
  ({ vectors }) =>
  () =>
    JSON.stringify({ embeddings: vectors.map((values) => ({ values })) });

// The path names the model.
const KNOWN_FIELDS: ReadonlySet<string> = new Set(['model', 'content', 'taskType', 'title', 'outputDimensionality']);

/** @param path of the first request; values of other requests that differ from it are unsupported */
const readRequests = (requests: readonly EmbedRequest[], model: string, path: string): ReadEmbeddings => {
  const [first] = requests;
  const unsupported: UnsupportedField[] = [];
  requests.forEach((request, index) => {
    const at = path === '' ? '' : `requests[${index}].`;
    for (const [field, value] of Object.entries(request)) {
      if (!KNOWN_FIELDS.has(field)) unsupported.push({ param: at + field, why: NOTHING_LIKE_IT });
      else if (SHARED.has(field) && value !== first?.[field])
        unsupported.push({ param: at + field, why: 'Other providers take one value for all contents' });
    }
    request.content.parts.forEach((part, place) => {
      if (part.text !== undefined) return;
      unsupported.push({ param: `${at}content.parts[${place}]`, why: 'Other providers embed texts only' });
    });
  });
  const { taskType, title, outputDimensionality } = first ?? {};
  return {
    request: {
      model,
      input: requests.map(({ content }) => content.parts.map(({ text = '' }) => text).join('')),
      ...(outputDimensionality === undefined ? {} : { dimensions: outputDimensionality }),
      ...(taskType === undefined ? {} : { task_type: taskType }),
      ...(title === undefined ? {} : { title }),
    },
    unsupported,
    locate: (param) => NAMES.get(param) ?? param,
  };
};

const SHARED: ReadonlySet<string> = new Set(['taskType', 'title', 'outputDimensionality']);

const NAMES: ReadonlyMap<string, string> = new Map([
  ['dimensions', 'outputDimensionality'],
  ['task_type', 'taskType'],
  ['input', 'content'],
]);
