import type { JsonObject } from '../../../../../providers/chat-form.ts';

/** Writes one server-sent event. */
export type Frame = (type: string, fields: JsonObject) => string;

/** Items of a streamed response, in the order of their start. */
export interface ItemList {
  /** Sets the base of all ids. Call it first. */
  name(base: string): void;
  /**
   * Begins an item.
   * @param item creates the item from its id
   * @returns its index, its id and its first event
   */
  add(prefix: string, item: (id: string) => JsonObject): Added;
  /** Ends an item and returns its last event. */
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
