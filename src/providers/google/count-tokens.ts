import type { ChatRequest } from '../chat-form.ts';
import type { ProviderOperation } from '../contract.ts';
import { malformed, parseResponse, tokenCount } from '../json.ts';
import { post, resourceOf } from './protocol.ts';
import { generateRequest } from './request.ts';

/** Google's count of a prompt's tokens. */
export const countTokens: ProviderOperation<ChatRequest, number> = {
  request: (chat, target, unsupported) => {
    const generateContentRequest = {
      model: resourceOf(target.model),
      ...generateRequest(chat, target, unsupported),
    };
    return post('countTokens', JSON.stringify({ generateContentRequest }), { ...target, stream: false });
  },
  response: (text) => ({ result: totalTokens(text), usage: null }),
};

/** @throws OneVaultError provider_malformed */
export const totalTokens = (text: string): number => {
  const { totalTokens: total } = parseResponse(text);
  if (total === undefined) throw malformed('totalTokens is missing');
  return tokenCount(total, 'totalTokens');
};
