import { hash } from 'node:crypto';
import { OneVaultError } from '../../core/errors.ts';
import type { FinishReason, JsonObject, ToolCall } from '../chat-form.ts';
import { isObject, malformed } from '../json.ts';
import { signatureBlock, signedCall } from './signatures.ts';

/** Content of a candidate, or of one piece of it, in the pivot form. */
export interface CandidateOutput {
  readonly content: string;
  readonly reasoning: string;
  readonly tool_calls: readonly ToolCall[];
  /** Signatures that the next call must send back. */
  readonly blocks: readonly JsonObject[];
}

/**
 * Reads the parts of a candidate.
 * @param nameCall creates an id for a call without one
 * @throws OneVaultError provider_malformed
 */
export const readCandidateOutput = (content: unknown, nameCall: () => string): CandidateOutput => {
  let text = '';
  let reasoning = '';
  const tool_calls: ToolCall[] = [];
  const blocks: JsonObject[] = [];
  for (const part of partsOf(content)) {
    if (!isObject(part)) throw malformed('a part is not an object');
    const signature = typeof part.thoughtSignature === 'string' ? part.thoughtSignature : null;
    if (part.functionCall !== undefined) {
      const call = toolCall(part.functionCall, nameCall);
      tool_calls.push(signature === null ? call : { ...call, ...signedCall(signature) });
      if (signature !== null) blocks.push(signatureBlock(call.id, signature));
      continue;
    }
    // Parts of unknown kinds are ignored, as those that only Google's own tools create.
    if (part.text === undefined || part.text === null) continue;
    if (typeof part.text !== 'string') throw malformed('text of a part is not a text');
    if (part.thought === true) reasoning += part.text;
    else text += part.text;
    if (signature !== null) blocks.push(signatureBlock(null, signature));
  }
  return { content: text, reasoning, tool_calls, blocks };
};

const partsOf = (content: unknown): readonly unknown[] => {
  const parts = isObject(content) ? content.parts : undefined;
  if (parts === undefined || parts === null) return [];
  if (!Array.isArray(parts)) throw malformed('parts is not a list');
  return parts;
};

const toolCall = (called: unknown, nameCall: () => string): ToolCall => {
  if (!isObject(called) || typeof called.name !== 'string') throw malformed('a functionCall has no name');
  const args = called.args ?? {};
  if (!isObject(args)) throw malformed('args of a functionCall is not an object');
  return {
    id: typeof called.id === 'string' && called.id !== '' ? called.id : nameCall(),
    type: 'function',
    function: { name: called.name, arguments: JSON.stringify(args) },
  };
};

/** Ids for the calls of a response that have none; deterministic for each response. */
export const createCallNames = (response_id: string): (() => string) => {
  let calls = 0;
  return () => `call_${hash('sha256', `${response_id}/${calls++}`).slice(0, 24)}`;
};

/**
 * The reason why the model stopped, in the pivot form. An unknown reason counts as a filter, so that no client takes
 * filtered output for a complete response.
 */
export const finishReason = (reason: string, has_calls: boolean): FinishReason => {
  switch (reason) {
    case 'STOP':
      return has_calls ? 'tool_calls' : 'stop';
    case 'MAX_TOKENS':
    case 'CONTINUATION':
      return 'length';
    default:
      return 'content_filter';
  }
};

// Google stopped because the model's output was malformed; a retry may succeed.
const BROKEN: ReadonlySet<unknown> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'MISSING_THOUGHT_SIGNATURE',
  'TOO_MANY_TOOL_CALLS',
  'UNEXPECTED_TOOL_CALL',
]);
// The message may quote the model's output.
const MAX_MESSAGE_CHARS = 300;

/** The error of a candidate that is not a usable response; null if it is usable. */
export const brokenCandidateError = ({ finishReason: reason, finishMessage }: JsonObject): OneVaultError | null => {
  if (!BROKEN.has(reason)) return null;
  const why = typeof finishMessage === 'string' ? ` ${finishMessage.slice(0, MAX_MESSAGE_CHARS)}` : '';
  return new OneVaultError('provider_malformed', {
    details: `The model broke off: ${String(reason)}.${why}`,
  });
};

const FILTERS = /^(IMAGE_)?(SAFETY|RECITATION|LANGUAGE|BLOCKLIST|PROHIBITED_CONTENT|SPII|OTHER)$/;

/** Google's reason why it refused the prompt; null if it accepted it. */
export const blockOf = ({ promptFeedback }: JsonObject): string | null => {
  if (!isObject(promptFeedback) || typeof promptFeedback.blockReason !== 'string') return null;
  const { blockReason, blockReasonMessage } = promptFeedback;
  return typeof blockReasonMessage === 'string'
    ? blockReasonMessage
    : `The provider blocked the prompt: ${blockReason}.`;
};

/** Google's explanation of a filter, if it has one; then the refusal itself is a complete response. */
export const refusalIn = ({ finishReason: reason, finishMessage }: JsonObject): string | null =>
  FILTERS.test(String(reason)) && typeof finishMessage === 'string' ? finishMessage : null;
