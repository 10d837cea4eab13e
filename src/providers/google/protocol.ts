import type { RequestTarget, UpstreamRequest } from '../contract.ts';

// The default version of the official SDKs.
const API_VERSION = 'v1beta';

type Method = 'generateContent' | 'streamGenerateContent' | 'countTokens' | 'embedContent' | 'batchEmbedContents';

/** A POST of JSON text to a method of a model of Google's API. */
export const post = (method: Method, body: string, { model, upstream, stream }: RequestTarget): UpstreamRequest => ({
  path: `/${API_VERSION}/${pathOf(model)}:${method}${stream ? '?alt=sse' : ''}`,
  headers: {
    'x-goog-api-key': upstream.api_key,
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
  },
  body,
});

/** The method for a chat. */
export const generateMethod = ({ stream }: RequestTarget): Method =>
  stream ? 'streamGenerateContent' : 'generateContent';

const TUNED = 'tunedModels/';

/** A model's name in bodies. A tuned model belongs to its own collection. */
export const resourceOf = (model: string): string => (model.startsWith(TUNED) ? model : `models/${model}`);

const pathOf = (model: string): string => {
  const resource = resourceOf(model);
  const slash = resource.indexOf('/') + 1;
  return resource.slice(0, slash) + encodeURIComponent(resource.slice(slash));
};

/**
 * True if a model is of Gemini's third generation or later. These use levels of thinking instead of budgets, accept
 * images within the results of functions, and require the signatures of their calls.
 */
export const isThirdGeneration = (model: string): boolean =>
  model.startsWith('gemini-') && !/^gemini-[12]\b/.test(model);
