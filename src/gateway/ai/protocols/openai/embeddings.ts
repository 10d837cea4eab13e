import { createValidator } from '../../../../http/validate.ts';
import type { EmbeddingRequest } from '../../../../providers/embedding-form.ts';
import { invalid } from '../../../../providers/invalid.ts';
import { jsonBody, TEXT_BODY_LIMIT_BYTES } from '../../body-reader.ts';
import type { ClientProtocol } from '../../client-protocol.ts';
import { type EmbeddingsWriter, embeddingsOperation } from '../../operations/embeddings.ts';
import schema from './embeddings.schema.json' with { type: 'json' };
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
    body_limit_bytes: TEXT_BODY_LIMIT_BYTES,
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

/**
 * Reads the input of an embeddings request: a text, tokens, or a list of either. The schema guarantees a non-empty
 * string or list.
 * @throws OneVaultError invalid_request, naming the item
 */
const readInput = (input: string | readonly unknown[]): EmbeddingRequest['input'] => {
  if (typeof input === 'string') return input;
  const [first] = input;
  const kind = typeof first === 'string' ? TEXT : typeof first === 'number' ? TOKEN : TOKENS;
  input.forEach((item, index) => {
    if (!kind.holds(item)) throw invalid(`input[${index}]`, `is not ${kind.name}`);
  });
  return input as EmbeddingRequest['input'];
};

const isToken = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;

const TEXT = { name: 'a string, as the first item is', holds: (item: unknown) => typeof item === 'string' };
const TOKEN = { name: 'a token, an integer of at least 0, as the first item is', holds: isToken };
const TOKENS = {
  name: 'a string or a list of tokens',
  holds: (item: unknown) => Array.isArray(item) && item.length > 0 && item.every(isToken),
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
