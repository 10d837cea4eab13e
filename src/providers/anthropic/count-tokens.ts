import type { ChatRequest } from '../chat-form.ts';
import type { ProviderOperation } from '../contract.ts';
import { malformed, parseResponse, tokenCount } from '../json.ts';
import { post } from './protocol.ts';
import { messagesRequest } from './request.ts';

/** Anthropic's count of a prompt's tokens. */
export const countTokens: ProviderOperation<ChatRequest, number> = {
  request: (chat, target, unsupported) => {
    const { model, system, messages, tools, tool_choice, thinking } = messagesRequest(chat, target, unsupported);
    // JSON.stringify omits undefined fields. The API refuses all other fields of a call.
    const counted = { model, system, messages, tools, tool_choice, thinking };
    return post('/v1/messages/count_tokens', JSON.stringify(counted), target);
  },
  response: (text) => ({ result: inputTokens(text), usage: null }),
};

/** @throws OneVaultError provider_malformed */
export const inputTokens = (text: string): number => {
  const { input_tokens } = parseResponse(text);
  if (input_tokens === undefined) throw malformed('input_tokens is missing');
  return tokenCount(input_tokens, 'input_tokens');
};
