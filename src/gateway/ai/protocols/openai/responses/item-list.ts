import type { JsonObject } from '../../../../../providers/chat-form.ts';

/** Writes one event. */
export type Frame = (type: string, fields: JsonObject) => string;

/** The items of a streamed response, in the order in which they began. */
export interface ItemList {
  /** Tells what ids are made of, before anything else. */
  name(base: string): void;
  /** Begins an item. @param item makes it of its id @returns its place, its id and the event that tells of it */
  add(prefix: string, item: (id: string) => JsonObject): Added;
  /** Ends an item: the event that tells of it. */
  finish(index: number, item: JsonObject): string;
  readonly output: readonly JsonObject[];
}

interface Added {
  readonly index: number;
  readonly id: string;
  readonly text: string;
}

export const createItemList = (frame: Frame): ItemList => {
  let base = '';
  const output: JsonObject[] = [];
  return {
    name: (given) => {
      base = given;
    },
    add: (prefix, item) => {
      const index = output.length;
      const id = `${prefix}_${base}_${index}`;
      const added = item(id);
      output.push(added);
      return { index, id, text: frame('response.output_item.added', { output_index: index, item: added }) };
    },
    finish: (index, item) => {
      output[index] = item;
      return frame('response.output_item.done', { output_index: index, item });
    },
    output,
  };
};
