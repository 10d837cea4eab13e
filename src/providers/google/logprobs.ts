import type { JsonObject } from '../chat-form.ts';
import { isObject } from '../json.ts';

/** Google's log probabilities of a candidate's tokens in OpenAI's form; null if there are none. */
export const logprobsOf = (result: unknown): JsonObject | null => {
  const chosen = isObject(result) ? result.chosenCandidates : undefined;
  if (!isObject(result) || !Array.isArray(chosen)) return null;
  const tops: unknown[] = Array.isArray(result.topCandidates) ? result.topCandidates : [];
  const content = (chosen as unknown[]).map((each, place) => {
    const top = tops[place];
    const others: unknown[] = isObject(top) && Array.isArray(top.candidates) ? top.candidates : [];
    return { ...tokenOf(each), top_logprobs: others.map(tokenOf) };
  });
  return { content, refusal: null };
};

const tokenOf = (candidate: unknown): JsonObject => {
  const { token, logProbability } = isObject(candidate) ? candidate : {};
  const text = typeof token === 'string' ? token : '';
  // OpenAI's own minimum, which it gives for an unknown probability.
  const logprob = typeof logProbability === 'number' ? logProbability : -9_999;
  return { token: text, logprob, bytes: [...Buffer.from(text)] };
};
