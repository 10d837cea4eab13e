import type { JsonObject } from '../../../../../providers/chat-form.ts';
import type { Frame, ItemList } from './item-list.ts';
import { reasoningItem } from './write-items.ts';

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
