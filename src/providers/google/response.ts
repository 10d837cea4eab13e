import type { Clock } from '../../core/clock.ts';
import type { ChatResponse, JsonObject } from '../chat-form.ts';
import type { ReadResponse } from '../contract.ts';
import { isObject, malformed, parseResponse } from '../json.ts';
import {
  blockOf,
  brokenCandidateError,
  createCallNames,
  finishReason,
  readCandidateOutput,
  refusalIn,
} from './candidate.ts';
import { logprobsOf } from './logprobs.ts';
import { usageOf } from './usage.ts';

/**
 * A generateContent response in the pivot form. `reasoning_content` holds the thoughts. The signatures that Google
 * requires back are on the calls and, for protocols whose calls have no field for them, in `thinking_blocks`.
 * @throws OneVaultError provider_malformed
 */
export const chatResponse = (text: string, clock: Clock): ReadResponse<ChatResponse> => {
  const json = parseResponse(text);
  const head = headOf(json, clock);
  const nameCall = createCallNames(head.id);
  const given = candidatesOf(json);
  const block = blockOf(json);
  if (given.length === 0 && block === null) throw malformed('there are no candidates');
  const choices = block === null ? given.map((each) => choiceOf(each, nameCall)) : [blocked(block)];
  return {
    result: { ...head, object: 'chat.completion', choices },
    usage: usageOf(json.usageMetadata),
    broken: given.map(brokenCandidateError).find((error) => error !== null) ?? null,
  };
};

/** The id, time and model of a response or of a piece of it. */
export const headOf = (
  { responseId, modelVersion }: JsonObject,
  clock: Clock,
): { readonly id: string; readonly created: number; readonly model: string } => {
  const now_ms = clock.now();
  return {
    id: typeof responseId === 'string' && responseId !== '' ? responseId : `gen-${now_ms}`,
    created: Math.floor(now_ms / 1_000),
    model: typeof modelVersion === 'string' ? modelVersion : '',
  };
};

/** @throws OneVaultError provider_malformed */
export const candidatesOf = ({ candidates }: JsonObject): readonly JsonObject[] => {
  if (candidates === undefined || candidates === null) return [];
  if (!Array.isArray(candidates) || !candidates.every(isObject)) {
    throw malformed('candidates is not a list of objects');
  }
  return candidates;
};

/** The index of a candidate among several. */
export const indexOf = ({ index }: JsonObject): number => (typeof index === 'number' ? index : 0);

type Choice = ChatResponse['choices'][number];

const choiceOf = (candidate: JsonObject, nameCall: () => string): Choice => {
  const { content, reasoning, tool_calls, blocks } = readCandidateOutput(candidate.content, nameCall);
  const reason = typeof candidate.finishReason === 'string' ? candidate.finishReason : 'STOP';
  const finish_reason = finishReason(reason, tool_calls.length > 0);
  const thought = reasoning === '' ? [] : [{ type: 'thinking', thinking: reasoning, signature: '' }];
  return {
    index: indexOf(candidate),
    message: {
      role: 'assistant',
      content: content === '' ? null : content,
      refusal: refusalIn(candidate),
      ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
      ...(blocks.length === 0 ? {} : { thinking_blocks: [...thought, ...blocks] }),
      ...(tool_calls.length === 0 ? {} : { tool_calls }),
    },
    finish_reason,
    logprobs: logprobsOf(candidate.logprobsResult),
  };
};

const blocked = (refusal: string): Choice => ({
  index: 0,
  message: { role: 'assistant', content: null, refusal },
  finish_reason: 'content_filter',
  logprobs: null,
});
