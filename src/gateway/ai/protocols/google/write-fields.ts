import type { Usage } from '../../../../pricing/usage.ts';
import type { JsonObject } from '../../../../providers/chat-form.ts';
import { isObject } from '../../../../providers/json.ts';

/** Converts a finish reason to Google's, which has none for tool calls. */
export const finishReasonOf = (finish_reason: string | null): string => {
  if (finish_reason === 'length') return 'MAX_TOKENS';
  return finish_reason === 'content_filter' ? 'SAFETY' : 'STOP';
};

/** Usage in Google's form, if there is any. Thinking tokens are separate from the response's. */
export const usageFields = (usage: Usage | null): { readonly usageMetadata?: JsonObject } => {
  if (usage === null) return {};
  const { prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens } = usage;
  const usageMetadata = {
    promptTokenCount: prompt_tokens,
    candidatesTokenCount: completion_tokens - reasoning_tokens,
    totalTokenCount: prompt_tokens + completion_tokens,
    ...(cached_tokens > 0 ? { cachedContentTokenCount: cached_tokens } : {}),
    ...(reasoning_tokens > 0 ? { thoughtsTokenCount: reasoning_tokens } : {}),
    promptTokensDetails: modalities(prompt_tokens, usage.prompt_audio_tokens),
    ...(usage.completion_audio_tokens > 0
      ? { candidatesTokensDetails: modalities(completion_tokens, usage.completion_audio_tokens) }
      : {}),
  };
  return { usageMetadata };
};

const modalities = (tokens: number, audio_tokens: number): readonly JsonObject[] => [
  { modality: 'TEXT', tokenCount: tokens - audio_tokens },
  ...(audio_tokens > 0 ? [{ modality: 'AUDIO', tokenCount: audio_tokens }] : []),
];

/** OpenAI's log probabilities in Google's form; no field if there are none. */
export const logprobsFields = (logprobs: unknown): JsonObject => {
  const content = isObject(logprobs) ? logprobs.content : undefined;
  if (!Array.isArray(content)) return {};
  const chosenCandidates = (content as unknown[]).map(candidateOf);
  const topCandidates = (content as unknown[]).map((each) => {
    const tops = isObject(each) && Array.isArray(each.top_logprobs) ? (each.top_logprobs as unknown[]) : [];
    return { candidates: tops.map(candidateOf) };
  });
  return { logprobsResult: { chosenCandidates, topCandidates } };
};

const candidateOf = (token: unknown): JsonObject =>
  isObject(token) ? { token: token.token, logProbability: token.logprob } : {};
