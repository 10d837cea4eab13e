/** A sequence of results, some of them made before the consumer requests them. */
export interface Prefetch<T> {
  /** The next one, or null after the last. */
  next(): Promise<T | null>;
  /** Makes no more results; resolves once the current one is done. */
  end(): Promise<void>;
}

/**
 * Makes up to `limit` results in advance.
 * @param make gets the previous result, null at first; it ends the sequence with null
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
        // The consumer of the result gets its failure; without a consumer the failure is ignored.
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
