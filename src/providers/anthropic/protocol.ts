import type { ClientHeaders, RequestTarget, UpstreamRequest } from '../contract.ts';

// The API's only version since its first stable one; new features use headers or fields of the body.
const API_VERSION = '2023-06-01';

/**
 * A POST of JSON text to Anthropic's API.
 * @param headers the client's: they select the version and the betas of a passthrough
 */
export const post = (
  path: string,
  body: string,
  { upstream, stream }: RequestTarget,
  headers: ClientHeaders = {},
): UpstreamRequest => {
  const { 'anthropic-version': version, 'anthropic-beta': beta } = headers;
  return {
    path,
    headers: {
      'x-api-key': upstream.api_key,
      'anthropic-version': typeof version === 'string' && version !== '' ? version : API_VERSION,
      ...(typeof beta === 'string' && beta !== '' ? { 'anthropic-beta': beta } : {}),
      'content-type': 'application/json',
      accept: stream ? 'text/event-stream' : 'application/json',
    },
    body,
  };
};
