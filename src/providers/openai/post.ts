import type { Body } from '../../core/body.ts';
import type { RequestTarget, Upstream, UpstreamRequest } from '../contract.ts';

/** A POST of JSON text to an OpenAI-compatible server. @param key_header header of the key; null for a bearer token */
export const post = (
  path: string,
  body: Body,
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

interface AudioPost {
  readonly content_type: string;
  readonly key_header?: string | null;
}

/** A POST to an endpoint for audio, whose responses are of many types. */
export const postAudio = (
  path: string,
  body: Body,
  target: RequestTarget,
  { content_type, key_header = null }: AudioPost,
): UpstreamRequest => {
  const request = post(path, body, target, key_header);
  return { ...request, headers: { ...request.headers, 'content-type': content_type, accept: '*/*' } };
};

/** A GET from such a server. */
export const get = (path: string, upstream: Upstream, key_header: string | null = null): UpstreamRequest => ({
  ...post(path, '', { model: '', stream: false, upstream }, key_header),
  method: 'GET',
});
