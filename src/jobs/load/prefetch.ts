/** Things that are made one after another, some of them before they are asked for. */
export interface Prefetch<T> {
  /** The next one, or null after the last. */
  next(): Promise<T | null>;
  /** Makes no more; resolves once the one in the making is done. */
  end(): Promise<void>;
}

/**
 * Makes up to `limit` things ahead.
 * @param make is given the one before, null at first; its null ends them
 */
export const createPrefetch = <T>(make: (before: T | null) => Promise<T | null>, limit: number): Prefetch<T> => {
  const waiting: Promise<T | null>[] = [];
  let last: Promise<T | null> | null = null;
  let is_ended = false;
  const makeAfter = async (before: Promise<T | null> | null): Promise<T | null> => {
    const thing = await before;
    return is_ended || (before !== null && thing === null) ? null : make(thing);
  };
  return {
    next: () => {
      while (waiting.length <= limit) {
        last = makeAfter(last);
        // Whoever asks for it hears of its failure; nobody may.
        last.catch(() => {});
        waiting.push(last);
      }
      return waiting.shift()!;
    },
    end: async () => {
      is_ended = true;
      await Promise.allSettled(waiting);
    },
  };
};
