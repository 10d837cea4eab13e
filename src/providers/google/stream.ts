import type { Clock } from '../../core/clock.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Usage } from '../../pricing/usage.ts';
import type { ChatChunk, JsonObject } from '../chat-form.ts';
import type { ChatStream } from '../contract.ts';
import { parseResponse } from '../json.ts';
import { createTextLog } from '../text-log.ts';
import {
  blockOf,
  brokenCandidateError,
  type CandidateOutput,
  createCallNames,
  finishReason,
  readCandidateOutput,
  refusalIn,
} from './candidate.ts';
import { errorOfFrame } from './error.ts';
import { logprobsOf } from './logprobs.ts';
import { candidatesOf, headOf, indexOf } from './response.ts';
import { usageOf } from './usage.ts';

type Choice = ChatChunk['choices'][number];

/** Google's stream as chunks of the pivot form. Each frame is a complete response. */
export const createGoogleStream = (clock: Clock) => (): ChatStream => {
  const log = createTextLog((text) => text);
  let head: ReturnType<typeof headOf> | null = null;
  let nameCall = (): string => '';
  let finished = false;
  let usage: Usage | null = null;
  /** Number of calls so far, by index of the candidate. */
  const calls = new Map<number, number>();

  const choiceOf = (candidate: JsonObject): Choice => {
    const broken = brokenCandidateError(candidate);
    if (broken !== null) throw broken;
    const index = indexOf(candidate);
    const output = readCandidateOutput(candidate.content, nameCall);
    const is_first = !calls.has(index);
    const before = calls.get(index) ?? 0;
    calls.set(index, before + output.tool_calls.length);
    log.add(output.reasoning + output.content + output.tool_calls.map(textOfCall).join(''));
    const { finishReason: reason } = candidate;
    const finish_reason =
      typeof reason === 'string' && reason !== '' ? finishReason(reason, calls.get(index)! > 0) : null;
    if (finish_reason !== null) finished = true;
    const refusal = refusalIn(candidate);
    return {
      index,
      delta: {
        ...(is_first ? { role: 'assistant' } : {}),
        ...deltaOf(output, before),
        ...(refusal === null ? {} : { refusal }),
      },
      logprobs: logprobsOf(candidate.logprobsResult),
      finish_reason,
    };
  };

  const translate = (frame: JsonObject): readonly ChatChunk[] => {
    if (frame.error !== undefined && frame.error !== null) throw errorOfFrame(frame.error, clock);
    if (head === null) {
      head = headOf(frame, clock);
      nameCall = createCallNames(head.id);
    }
    usage = usageOf(frame.usageMetadata) ?? usage;
    const block = blockOf(frame);
    if (block !== null) finished = true;
    const choices = block === null ? candidatesOf(frame).map(choiceOf) : [blocked(block)];
    return choices.length === 0 ? [] : [{ ...head, object: 'chat.completion.chunk', choices }];
  };

  return {
    push: ({ data }) => translate(parseResponse(data)),
    end: () => {
      if (!finished) throw new OneVaultError('provider_disconnected');
    },
    get usage() {
      return usage;
    },
    text: log.text,
  };
};

const textOfCall = ({ function: called }: CandidateOutput['tool_calls'][number]): string =>
  called.name + called.arguments;

/** @param before number of the candidate's calls in earlier frames */
const deltaOf = ({ content, reasoning, tool_calls, blocks }: CandidateOutput, before: number): JsonObject => ({
  ...(content === '' ? {} : { content }),
  ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
  ...(blocks.length === 0 ? {} : { thinking_blocks: blocks }),
  ...(tool_calls.length === 0
    ? {}
    : { tool_calls: tool_calls.map((call, place) => ({ index: before + place, ...call })) }),
});

const blocked = (refusal: string): Choice => ({
  index: 0,
  delta: { role: 'assistant', refusal },
  logprobs: null,
  finish_reason: 'content_filter',
});
