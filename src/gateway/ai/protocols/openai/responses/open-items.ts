import type { JsonObject } from '../../../../../providers/chat-form.ts';
import type { Frame, ItemList } from './item-list.ts';
import { callItem, type ItemStatus, messageItem, reasoningItem, refusalPart, textPart } from './write-items.ts';

/** Writer of one reasoning item. Each method returns the events to send. */
export interface OpenThought {
  readonly kind: 'thought';
  readonly index: number;
  /** The first event. */
  readonly begun: string;
  writeThinking(delta: string): string;
  /**
   * Closes the item.
   * @param blocks signed blocks, unchanged
   */
  close(blocks: readonly JsonObject[]): string;
}

export const openThought = (items: ItemList, frame: Frame): OpenThought => {
  const { index, id, text: begun } = items.add('rs', (given) => reasoningItem(given, '', []));
  const at = { item_id: id, output_index: index, summary_index: 0 };
  let text = '';

  const part = (event: 'added' | 'done'): string =>
    frame(`response.reasoning_summary_part.${event}`, { ...at, part: { type: 'summary_text', text } });

  return {
    kind: 'thought',
    index,
    begun,
    writeThinking: (delta) => {
      const added = text === '' ? part('added') : '';
      text += delta;
      return added + frame('response.reasoning_summary_text.delta', { ...at, delta });
    },
    close: (blocks) => {
      const done = text === '' ? '' : frame('response.reasoning_summary_text.done', { ...at, text }) + part('done');
      return done + items.finish(index, reasoningItem(id, text, blocks));
    },
  };
};

/** Writer of one message. Each method returns the events to send. */
export interface OpenMessage {
  readonly kind: 'message';
  readonly index: number;
  /** The first event. */
  readonly begun: string;
  writeText(delta: string, logprobs: readonly unknown[]): string;
  annotate(annotation: JsonObject): string;
  refuse(delta: string): string;
  close(status: ItemStatus): string;
}

interface Part {
  readonly kind: 'text' | 'refusal';
  text: string;
  readonly annotations: JsonObject[];
  readonly logprobs: unknown[];
}

/** Opens a message. One part is open at a time: a text or a refusal. */
export const openMessage = (items: ItemList, frame: Frame): OpenMessage => {
  const { index, id, text: begun } = items.add('msg', (given) => messageItem(given, 'in_progress', []));
  const parts: Part[] = [];
  const place = (): JsonObject => ({ item_id: id, output_index: index, content_index: parts.length - 1 });

  /** Opens a part of the kind, unless one is open. */
  const open = (kind: Part['kind']): { readonly part: Part; readonly text: string } => {
    const last = parts.at(-1);
    if (last?.kind === kind) return { part: last, text: '' };
    const closed = closePart();
    const part: Part = { kind, text: '', annotations: [], logprobs: [] };
    parts.push(part);
    return {
      part,
      text: closed + frame('response.content_part.added', { ...place(), part: partJson(part) }),
    };
  };
  const closePart = (): string => {
    const last = parts.at(-1);
    if (last === undefined) return '';
    const { kind, text, logprobs } = last;
    const done =
      kind === 'text'
        ? frame('response.output_text.done', { ...place(), text, logprobs })
        : frame('response.refusal.done', { ...place(), refusal: text });
    return done + frame('response.content_part.done', { ...place(), part: partJson(last) });
  };

  return {
    kind: 'message',
    index,
    begun,
    writeText: (delta, logprobs) => {
      const { part, text } = open('text');
      part.text += delta;
      part.logprobs.push(...logprobs);
      return text + frame('response.output_text.delta', { ...place(), delta, logprobs });
    },
    annotate: (annotation) => {
      const { part, text } = open('text');
      const annotation_index = part.annotations.push(annotation) - 1;
      const fields = { ...place(), annotation_index, annotation };
      return text + frame('response.output_text.annotation.added', fields);
    },
    refuse: (delta) => {
      const { part, text } = open('refusal');
      part.text += delta;
      return text + frame('response.refusal.delta', { ...place(), delta });
    },
    close: (status) => {
      // An empty message has one empty text.
      const empty = parts.length === 0 ? open('text').text : '';
      return empty + closePart() + items.finish(index, messageItem(id, status, parts.map(partJson)));
    },
  };
};

const partJson = ({ kind, text, annotations, logprobs }: Part): JsonObject =>
  kind === 'text' ? textPart(text, { annotations: [...annotations], logprobs: [...logprobs] }) : refusalPart(text);

/** Writer of one tool call. Each method returns the events to send. */
export interface OpenCall {
  readonly kind: 'call';
  readonly index: number;
  /** The first event. */
  readonly begun: string;
  /** Appends to the JSON text of its arguments. */
  add(delta: string): string;
  close(status: ItemStatus): string;
}

export const openCall = (
  items: ItemList,
  frame: Frame,
  called: { readonly call_id: string; readonly name: string },
): OpenCall => {
  const itemOf = (id: string, status: ItemStatus, given: string) =>
    callItem(id, status, { ...called, arguments: given });
  const { index, id, text: begun } = items.add('fc', (given) => itemOf(given, 'in_progress', ''));
  const at = { item_id: id, output_index: index };
  let text = '';
  return {
    kind: 'call',
    index,
    begun,
    add: (delta) => {
      if (delta === '') return '';
      text += delta;
      return frame('response.function_call_arguments.delta', { ...at, delta });
    },
    close: (status) => {
      // A provider may send no text for a call without arguments.
      if (text === '' && status === 'completed') text = '{}';
      const done = { ...at, name: called.name, arguments: text };
      return frame('response.function_call_arguments.done', done) + items.finish(index, itemOf(id, status, text));
    },
  };
};
