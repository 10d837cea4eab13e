import { OneVaultError } from '../../core/errors.ts';
import type { ProviderOperation } from '../contract.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../embedding-form.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { post, resourceOf } from './protocol.ts';

const READ_HERE: ReadonlySet<string> = new Set(['model', 'input', 'dimensions', 'task_type', 'title']);
// A label, and the format of the vectors, which the gateway applies itself.
const NEUTRAL: ReadonlySet<string> = new Set(['user', 'encoding_format']);

/** Google's embeddings of one text or many. Google reports no usage. */
export const embeddings: ProviderOperation<EmbeddingRequest, EmbeddingResponse> = {
  request: (form, target, unsupported) => {
    const { input, dimensions, task_type, title } = form;
    for (const [field, value] of Object.entries(form)) {
      if (READ_HERE.has(field) || NEUTRAL.has(field) || value === undefined || value === null) continue;
      unsupported.add(field, "Google's models have no equivalent of this field");
    }
    const model = resourceOf(target.model);
    const requests = textsOf(input).map((text) => ({
      model,
      content: { parts: [{ text }] },
      ...(typeof task_type === 'string' ? { taskType: task_type } : {}),
      ...(typeof title === 'string' ? { title } : {}),
      ...(typeof dimensions === 'number' ? { outputDimensionality: dimensions } : {}),
    }));
    return post('batchEmbedContents', JSON.stringify({ requests }), target);
  },
  response: (text) => {
    const { embeddings: given } = parseResponse(text);
    if (!Array.isArray(given)) throw malformed('embeddings is not a list');
    return { result: { model: '', vectors: given.map(vectorOf) }, usage: null };
  },
};

/** @throws OneVaultError unsupported_feature: without its input a call has no content */
const textsOf = (input: EmbeddingRequest['input']): readonly string[] => {
  const texts: readonly unknown[] = typeof input === 'string' ? [input] : input;
  if (texts.every((text) => typeof text === 'string')) return texts;
  const details = "Google's models take texts, not tokens of another model.";
  throw new OneVaultError('unsupported_feature', { param: 'input', details });
};

/** @throws OneVaultError provider_malformed */
export const vectorOf = (embedding: unknown): readonly number[] => {
  const values = isObject(embedding) ? embedding.values : undefined;
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'number')) {
    throw malformed('an embedding is not a list of numbers');
  }
  return values as readonly number[];
};
