import { errorEnvelope } from '../../../../http/envelope.ts';
import type { ErrorFormat } from '../../client-protocol.ts';

/** Error format and rate limit headers of OpenAI's endpoints and of the gateway's own. */
export const openAiErrorFormat: ErrorFormat = {
  error: errorEnvelope,
  broken: (error, request_id, now_ms) => `data: ${JSON.stringify(errorEnvelope(error, request_id, now_ms))}\n\n`,
  request_id_header: 'x-request-id',
  // https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
  limitHeaders: ({ limit, remaining, reset_s }) => ({
    'x-ratelimit-limit-requests': String(limit),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': `${reset_s}s`,
  }),
};
