import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../../providers/chat-form.ts';
import { isObject } from '../../../../../providers/json.ts';
import { wrapThoughts } from './thoughts.ts';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

// It stands in each event: a provider that wrote a long one would make every event as long.
const BASE_MAX_CHARS = 100;

/** What makes the ids of a reply and of its items: the same for the same reply of a provider. */
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

/** @param blocks as who signed them wrote them: they stand in what the client sends back unread */
export const reasoningItem = (id: string, text: string, blocks: readonly JsonObject[]): JsonObject => ({
  id,
  type: 'reasoning',
  summary: text === '' ? [] : [{ type: 'summary_text', text }],
  ...(blocks.length === 0 ? {} : { encrypted_content: wrapThoughts(blocks) }),
});

/** Citations of the pivot form as this protocol writes them. */
export const annotationsOf = (given: unknown): readonly JsonObject[] =>
  listOf(given).flatMap(({ type, url_citation }) =>
    type === 'url_citation' && isObject(url_citation) ? [{ type, ...url_citation }] : [],
  );

/** Log probabilities of a choice, which stand in the same form in both protocols. */
export const logprobsOf = (choice: JsonObject): readonly unknown[] => {
  const content = isObject(choice.logprobs) ? choice.logprobs.content : undefined;
  return Array.isArray(content) ? (content as unknown[]) : [];
};

/** The objects of a list; none where it is no list. */
export const listOf = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
