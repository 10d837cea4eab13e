import { objectOf } from '../call.ts';
import { jsonEndpoint } from '../endpoints.ts';
import type { Endpoint } from '../protocol.ts';
import { parseGenerate } from './generate-request.ts';
import { google } from './protocol.ts';

/** Google's `countTokens`, equal to the usage of the call. */
export const googleCountTokens: Endpoint = jsonEndpoint(google, (body, target) => {
  const { generateContentRequest, generate_content_request, ...bare } = body;
  const request = generateContentRequest ?? generate_content_request ?? bare;
  const { user_text, prompt_tokens } = parseGenerate(objectOf(request), target);
  const promptTokensDetails = [{ modality: 'TEXT', tokenCount: prompt_tokens }];
  return { user_text, json: { totalTokens: prompt_tokens, promptTokensDetails } };
});
