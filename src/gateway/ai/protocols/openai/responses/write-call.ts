import type { Frame, ItemList } from './item-list.ts';
import { callItem, type ItemStatus } from './write-items.ts';

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
