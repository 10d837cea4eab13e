import type { ClientHeaders, RequestTarget, UpstreamRequest } from '../contract.ts';

// The only version that the API has had since its first stable one; features come by header or body since.
const API_VERSION = '2023-06-01';

/**
 * A POST of JSON text to Anthropic's API.
 * @param headers the client's: it chooses version and betas of what passes untouched
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
