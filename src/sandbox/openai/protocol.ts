import { SandboxRefusal } from '../call.ts';
import type { Protocol } from '../protocol.ts';

/** The common parts of OpenAI's endpoints. */
export const openAi: Protocol = {
  name: 'openai',
  unauthorised: ({ authorization }) => {
    const key = authorization?.startsWith('Bearer ') === true ? authorization.slice(7) : '';
    if (key === '') return new SandboxRefusal(401, 'You did not provide an API key.');
    return key === 'invalid' ? new SandboxRefusal(401, 'Incorrect API key provided: invalid.') : null;
  },
  error: ({ status, message, param, code }) => ({
    error: { message, type: errorTypeOf(status), param, code: code ?? ERROR_CODES.get(status) ?? null },
  }),
  headers: (request_id, status) => ({
    'x-request-id': request_id,
    'openai-version': '2020-10-01',
    'openai-organization': 'sandbox',
    'openai-processing-ms': '1',
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-requests': status === 429 ? '0' : '9999',
    'x-ratelimit-remaining-tokens': status === 429 ? '0' : '1999000',
    'x-ratelimit-reset-requests': '6ms',
    'x-ratelimit-reset-tokens': '30ms',
  }),
};

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'invalid_request_error'],
  [403, 'permission_error'],
  [429, 'rate_limit_error'],
]);
const ERROR_CODES: ReadonlyMap<number, string> = new Map([
  [401, 'invalid_api_key'],
  [429, 'rate_limit_exceeded'],
]);

const errorTypeOf = (status: number): string =>
  ERROR_TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'server_error');

export const BROKEN_STREAM = 'The server had an error while processing your request.';
