import { createPromptCounts, type Json, objectOf, SandboxRefusal } from '../call.ts';
import { jsonEndpoint } from '../endpoints.ts';
import type { Endpoint } from '../protocol.ts';
import { vectorOf } from '../vector.ts';
import { readContent } from './contents.ts';
import { fieldsOf, messageOf, repeated } from './fields.ts';
import { checkGoogleModel } from './generate-request.ts';
import { google } from './protocol.ts';

const DIMENSIONS = 3_072;
const REQUESTS_MAX = 100;
const REQUEST = fieldsOf('model content taskType title outputDimensionality');

/** Google's `embedContent`: a unit vector drawn from the text. */
export const googleEmbed: Endpoint = jsonEndpoint(google, (body, { model }) => {
  checkGoogleModel(model);
  const { text, embedding } = embeddingOf(body, 'content');
  return { user_text: text, json: { embedding } };
});

/** Google's `batchEmbedContents`. */
export const googleBatchEmbed: Endpoint = jsonEndpoint(google, (body, { model }) => {
  checkGoogleModel(model);
  const requests = repeated(body.requests);
  if (requests.length === 0 || requests.length > REQUESTS_MAX) {
    throw new SandboxRefusal(
      400,
      `* BatchEmbedContentsRequest.requests: from 1 to ${REQUESTS_MAX} requests can be in one batch\n`,
      'requests',
    );
  }
  const embedded = requests.map((request, index) => {
    const named = objectOf(request).model;
    if (named !== `models/${model}`) {
      throw new SandboxRefusal(
        400,
        '* BatchEmbedContentsRequest.requests: all requests must be for the model of the batch\n',
        `requests[${index}].model`,
      );
    }
    return embeddingOf(objectOf(request), `requests[${index}].content`);
  });
  return {
    user_text: embedded.at(-1)!.text,
    json: { embeddings: embedded.map(({ embedding }) => embedding) },
  };
});

const embeddingOf = (given: Json, at: string): { text: string; embedding: Json } => {
  const { content, outputDimensionality: dimensions = DIMENSIONS } = messageOf(given, REQUEST, '');
  const { text } = readContent(content, at, createPromptCounts());
  if (text === '') throw new SandboxRefusal(400, '* EmbedContentRequest.content: content is empty\n', at);
  if (typeof dimensions !== 'number' || !Number.isInteger(dimensions) || dimensions < 1 || dimensions > DIMENSIONS) {
    throw new SandboxRefusal(
      400,
      `* EmbedContentRequest.output_dimensionality: must be from 1 to ${DIMENSIONS}\n`,
      'output_dimensionality',
    );
  }
  return { text, embedding: { values: [...vectorOf(text, dimensions)] } };
};
