import type { JsonObject } from '../../../../../providers/chat-form.ts';
import type { Frame, ItemList } from './item-list.ts';
import { type ItemStatus, messageItem, refusalPart, textPart } from './write-items.ts';

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
