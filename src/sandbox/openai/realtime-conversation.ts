import { type Json, SandboxRefusal } from '../call.ts';

/** The items of one session. */
export interface Conversation {
  readonly items: readonly Json[];
  /** Adds an item of the client. @returns the item, and the id of the item before it */
  add(item: Json): { item: Json; previous_item_id: unknown };
  /** Adds the items of a response. */
  append(items: readonly Json[]): void;
  /** @throws SandboxRefusal if no item has that id */
  find(id: unknown): Json;
  /** @throws SandboxRefusal if no item has that id */
  remove(id: unknown): void;
}

/** An empty conversation. @param name creates ids for items without one */
export const createConversation = (name: (kind: string) => string): Conversation => {
  let items: readonly Json[] = [];
  const find = (id: unknown): Json => {
    const item = items.find((each) => each.id === id);
    if (item !== undefined) return item;
    throw new SandboxRefusal(400, `Item with item_id not found: ${String(id)}`, 'item_id', {
      code: 'item_not_found',
    });
  };
  return {
    get items() {
      return items;
    },
    add: (given) => {
      const id = typeof given.id === 'string' ? given.id : name('item');
      const item = { status: 'completed', ...given, id, object: 'realtime.item' };
      const previous_item_id = items.at(-1)?.id ?? null;
      items = [...items, item];
      return { item, previous_item_id };
    },
    append: (output) => {
      items = [...items, ...output];
    },
    find,
    remove: (id) => {
      const removed = find(id);
      items = items.filter((item) => item !== removed);
    },
  };
};
