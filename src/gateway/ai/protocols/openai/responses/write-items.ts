import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject } from '../../../../../providers/json.ts';
import { wrapThoughts } from './thoughts.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

// The base is part of each event: a long id of a provider would make every event long.
const BASE_MAX_CHARS = 100;

/** Base of the ids of a response and its items: the same for the same provider response. */
export const baseOf = (id: unknown): string =>
  typeof id === 'string' && id !== '' ? id.replace(/^[a-z]+[-_]/, '').slice(0, BASE_MAX_CHARS) : randomUUID();

export const messageItem = (id: string, status: ItemStatus, content: readonly JsonObject[]): JsonObject => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content,
});

interface TextExtras {
  readonly annotations: readonly JsonObject[];
  readonly logprobs: readonly unknown[];
}

export const textPart = (text: string, { annotations, logprobs }: TextExtras): JsonObject => ({
  type: 'output_text',
  text,
  annotations,
  logprobs,
});

export const refusalPart = (refusal: string): JsonObject => ({ type: 'refusal', refusal });

interface Called {
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

export const callItem = (id: string, status: ItemStatus, called: Called): JsonObject => ({
  id,
  type: 'function_call',
  status,
  call_id: called.call_id,
  name: called.name,
  arguments: called.arguments,
});

/** @param blocks signed blocks, unchanged: the client sends them back as an opaque text */
export const reasoningItem = (id: string, text: string, blocks: readonly JsonObject[]): JsonObject => ({
  id,
  type: 'reasoning',
  summary: text === '' ? [] : [{ type: 'summary_text', text }],
  ...(blocks.length === 0 ? {} : { encrypted_content: wrapThoughts(blocks) }),
});

/** Converts citations of the pivot form to this protocol's. */
export const annotationsOf = (given: unknown): readonly JsonObject[] =>
  listOf(given).flatMap(({ type, url_citation }) =>
    type === 'url_citation' && isObject(url_citation) ? [{ type, ...url_citation }] : [],
  );

/** Log probabilities of a choice. Both protocols have the same form. */
export const logprobsOf = (choice: JsonObject): readonly unknown[] => {
  const content = isObject(choice.logprobs) ? choice.logprobs.content : undefined;
  return Array.isArray(content) ? (content as unknown[]) : [];
};

/** Objects of a list; none if the value is not a list. */
export const listOf = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
