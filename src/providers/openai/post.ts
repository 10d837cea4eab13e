import type { RequestTarget, Upstream, UpstreamRequest } from '../contract.ts';

/** A POST of JSON text to an OpenAI-compatible server. @param key_header header of the key; null for a bearer token */
export const post = (
  path: string,
  body: string,
  { upstream: { api_key }, stream }: RequestTarget,
  key_header: string | null = null,
): UpstreamRequest => ({
  path,
  headers: {
    ...(api_key === '' ? {} : key_header === null ? { authorization: `Bearer ${api_key}` } : { [key_header]: api_key }),
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
  },
  body,
});

/** A GET from such a server. */
export const get = (path: string, upstream: Upstream, key_header: string | null = null): UpstreamRequest => ({
  ...post(path, '', { model: '', stream: false, upstream }, key_header),
  method: 'GET',
});
