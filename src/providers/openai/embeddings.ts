import type { Usage } from '../../pricing/usage.ts';
import type { Passthrough, ProviderOperation } from '../contract.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../embedding-form.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import { passthroughBody } from '../passthrough-body.ts';
import type { ChatProfile } from './compatibility-profile.ts';
import { post } from './post.ts';
import { usageOf } from './usage.ts';

// https://platform.openai.com/docs/api-reference/embeddings/create
const OWN: ReadonlySet<string> = new Set(['input', 'dimensions', 'user']);
// The gateway converts the vectors to the client's format: every compatible server returns floats.
const SET_HERE: ReadonlySet<string> = new Set(['model', 'encoding_format']);

/** Differences of a compatible server's embeddings from OpenAI's. The members mean the same as in `ChatProfile`. */
export type EmbeddingsProfile = Pick<ChatProfile, 'name' | 'post' | 'adapt'>;

/** Embeddings of an OpenAI-compatible server. */
export const createEmbeddings = (
  profile: EmbeddingsProfile,
): ProviderOperation<EmbeddingRequest, EmbeddingResponse> => ({
  request: (form, target, unsupported) => {
    const body: Record<string, unknown> = { model: target.model, encoding_format: 'float' };
    for (const [field, value] of Object.entries(form)) {
      if (SET_HERE.has(field) || value === undefined || value === null) continue;
      if (OWN.has(field)) body[field] = value;
      else unsupported.add(field, `${profile.name} has no equivalent of this field`);
    }
    return profile.post(JSON.stringify(profile.adapt(body, unsupported)), target);
  },
  response: (text) => {
    const { data, model, usage } = readBody(text);
    const indexed = data.map((each, place) => ({ index: indexOf(each.index, place), vector: each.embedding }));
    const vectors = indexed
      .toSorted((a, b) => a.index - b.index)
      .map(({ vector }) => {
        if (!isVector(vector)) throw malformed('an embedding is not a list of numbers');
        return vector;
      });
    return { result: { model: typeof model === 'string' ? model : '', vectors }, usage };
  },
});

/** OpenAI's embeddings. */
export const embeddings = createEmbeddings({
  name: 'OpenAI',
  post: (body, target) => post('/embeddings', body, target),
  adapt: (body) => body,
});

// Fields that determine the cost of a call: see `passthroughBody`.
const ACCOUNTED: ReadonlySet<string> = new Set(['model', 'input']);

/** Passes embeddings through unchanged in both directions, in floats or base64 as the client requested. */
export const embeddingsPassthrough: Passthrough = {
  request: (body, target) => post('/embeddings', passthroughBody(body, target.model, ACCOUNTED), target),
  response: (text) => ({ result: () => '', usage: readBody(text).usage }),
  stream: null,
};

const readBody = (text: string) => {
  const { data, model, usage } = parseResponse(text);
  if (!Array.isArray(data) || !data.every(isObject)) throw malformed('data is not a list of objects');
  const read: Usage | null = usageOf(usage);
  return { data, model, usage: read };
};

const indexOf = (index: unknown, place: number): number => (typeof index === 'number' ? index : place);

const isVector = (vector: unknown): vector is readonly number[] =>
  Array.isArray(vector) && vector.every((value) => typeof value === 'number');
