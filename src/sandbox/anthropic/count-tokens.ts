import { jsonEndpoint } from '../endpoints.ts';
import type { Endpoint } from '../protocol.ts';
import { parseCounted } from './messages-request.ts';
import { anthropic } from './protocol.ts';

/** Anthropic's count of tokens, equal to the usage of the call. */
export const anthropicCountTokens: Endpoint = jsonEndpoint(anthropic, (body) => {
  const { user_text, prompt_tokens } = parseCounted(body);
  return { user_text, json: { input_tokens: prompt_tokens } };
});
