import { hash } from 'node:crypto';
import { OneVaultError } from '../../core/errors.ts';
import type { FinishReason, JsonObject, ToolCall } from '../chat-form.ts';
import { isObject, malformed } from '../json.ts';
import { signatureBlock, signedCall } from './signatures.ts';

/** What the parts of one candidate, or of one piece of it, say in the pivot form. */
export interface Said {
  readonly content: string;
  readonly reasoning: string;
  readonly tool_calls: readonly ToolCall[];
  /** Signatures that the next call must bring back. */
  readonly blocks: readonly JsonObject[];
}

/**
 * Reads the parts of a candidate.
 * @param nameCall gives an id to a call that has none
 * @throws OneVaultError provider_malformed
 */
export const saidIn = (content: unknown, nameCall: () => string): Said => {
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
    // A part of a kind that we do not know is passed over, as of those that only Google's own tools make.
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

/** Ids for the calls of a reply that have none: the same reply gets the same ones. */
export const createCallNames = (response_id: string): (() => string) => {
  let calls = 0;
  return () => `call_${hash('sha256', `${response_id}/${calls++}`).slice(0, 24)}`;
};

/**
 * Why the model stopped, in the pivot's words. What stopped for a reason that we do not know is held to be not whole:
 * no client takes what was filtered for the end.
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

// Where Google broke off because what the model wrote was of no form: another try may do better.
const BROKEN: ReadonlySet<unknown> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'MISSING_THOUGHT_SIGNATURE',
  'TOO_MANY_TOOL_CALLS',
  'UNEXPECTED_TOOL_CALL',
]);
// It may quote what the model wrote.
const LONGEST_MESSAGE = 300;

/** The error that a candidate is which cannot be taken for a reply; null where it can. */
export const breakOf = ({ finishReason: reason, finishMessage }: JsonObject): OneVaultError | null => {
  if (!BROKEN.has(reason)) return null;
  const why = typeof finishMessage === 'string' ? ` ${finishMessage.slice(0, LONGEST_MESSAGE)}` : '';
  return new OneVaultError('provider_malformed', {
    details: `The model broke off: ${String(reason)}.${why}`,
  });
};

const FILTERS = /^(IMAGE_)?(SAFETY|RECITATION|LANGUAGE|BLOCKLIST|PROHIBITED_CONTENT|SPII|OTHER)$/;

/** Google's words on why it took no prompt; null where it took it. */
export const blockOf = ({ promptFeedback }: JsonObject): string | null => {
  if (!isObject(promptFeedback) || typeof promptFeedback.blockReason !== 'string') return null;
  const { blockReason, blockReasonMessage } = promptFeedback;
  return typeof blockReasonMessage === 'string'
    ? blockReasonMessage
    : `The provider blocked the prompt: ${blockReason}.`;
};

/** Google's words on what it filtered, where there are some: with them, the refusal itself is a whole reply. */
export const refusalIn = ({ finishReason: reason, finishMessage }: JsonObject): string | null =>
  FILTERS.test(String(reason)) && typeof finishMessage === 'string' ? finishMessage : null;
