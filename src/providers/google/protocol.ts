import type { RequestTarget, UpstreamRequest } from '../contract.ts';

// The version that the official SDKs call where nothing else is said.
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

/** The method that answers a chat. */
export const generateMethod = ({ stream }: RequestTarget): Method =>
  stream ? 'streamGenerateContent' : 'generateContent';

const TUNED = 'tunedModels/';

/** A model as bodies name it: one that a customer tuned lies in a collection of its own. */
export const resourceOf = (model: string): string => (model.startsWith(TUNED) ? model : `models/${model}`);

const pathOf = (model: string): string => {
  const resource = resourceOf(model);
  const slash = resource.indexOf('/') + 1;
  return resource.slice(0, slash) + encodeURIComponent(resource.slice(slash));
};

/**
 * Whether a model is of Gemini's third generation or later: these think by levels instead of budgets, take pictures
 * within the results of functions, and insist on the signatures of their calls.
 */
export const isThirdGeneration = (model: string): boolean =>
  model.startsWith('gemini-') && !/^gemini-[12]\b/.test(model);
