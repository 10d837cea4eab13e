import type { Clock } from '../../core/clock.ts';
import type { ProviderAdapter } from '../contract.ts';
import { countTokens } from './count-tokens.ts';
import { embeddings } from './embeddings.ts';
import { errorIn, errorOfStatus } from './error.ts';
import { countPassthrough, createEmbedPassthrough, createGeneratePassthrough } from './passthrough.ts';
import { generateMethod, post } from './protocol.ts';
import { generateRequest } from './request.ts';
import { chatResponse } from './response.ts';
import { createGoogleStream } from './stream.ts';

/** Google's Gemini API. */
export const createGoogle = (clock: Clock): ProviderAdapter => ({
  chat: {
    request: (chat, target, unsupported) =>
      post(generateMethod(target), JSON.stringify(generateRequest(chat, target, unsupported)), target),
    response: (text) => chatResponse(text, clock),
    stream: createGoogleStream(clock),
  },
  count_tokens: countTokens,
  probe: (upstream) => ({
    method: 'GET',
    path: '/v1beta/models?pageSize=1',
    body: '',
    headers: { 'x-goog-api-key': upstream.api_key },
  }),
  embeddings,
  passthroughs: {
    'google-generate': createGeneratePassthrough(clock),
    'google-count-tokens': countPassthrough,
    'google-embed': createEmbedPassthrough('embedContent'),
    'google-batch-embed': createEmbedPassthrough('batchEmbedContents'),
  },
  error: ({ status, headers, body }, upstream) =>
    errorOfStatus({ status, headers, error: errorIn(body) }, upstream, clock),
});
