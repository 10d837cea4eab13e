import { createValidator } from '../../../../http/validate.ts';
import type { EmbeddingRequest } from '../../../../providers/embedding-form.ts';
import { jsonBody } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type EmbeddingsWriter, embeddingsOperation } from '../../operations/embeddings.ts';
import schema from './embeddings.schema.json' with { type: 'json' };
import { readInput } from './embeddings-input.ts';
import { openAiErrorFormat } from './error-format.ts';

/** OpenAI's embeddings: its SDKs work with only the base URL changed. */
export const createEmbeddings = (): ClientProtocol => {
  const validate = createValidator<EmbeddingRequest>(schema);
  return {
    path: '/v1/embeddings',
    endpoint: '/v1/embeddings',
    protocol_name: 'openai-embeddings',
    error_format: openAiErrorFormat,
    body_reader: jsonBody,
    read: (body) => {
      const request = validate(body);
      const read = {
        request: { ...request, input: readInput(request.input) },
        unsupported: [],
        locate: (param: string) => param,
      };
      return {
        model: request.model,
        type: 'embedding',
        priority: null,
        max_cost: null,
        stream: false,
        include_usage: false,
        operation: embeddingsOperation(read, createWriter(request.encoding_format === 'base64')),
      };
    },
  };
};

const createWriter =
  (in_base64: boolean): EmbeddingsWriter =>
  ({ model, vectors }) => {
    const data = vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: in_base64 ? base64Of(vector) : vector,
    }));
    return ({ usage }) => {
      const prompt_tokens = usage?.prompt_tokens ?? 0;
      return JSON.stringify({
        object: 'list',
        data,
        model,
        usage: { prompt_tokens, total_tokens: prompt_tokens },
      });
    };
  };

/** Base64 of little-endian 32-bit floats, OpenAI's form. */
const base64Of = (vector: readonly number[]): string => {
  const bytes = Buffer.alloc(vector.length * Float32Array.BYTES_PER_ELEMENT);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT);
  return bytes.toString('base64');
};
