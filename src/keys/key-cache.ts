/** Bounded cache of keys in plaintext. Concurrent requests for a key load it once. */
export interface KeyCache {
  /**
   * Runs `use` with a key. `use` is synchronous, because the key may be overwritten at any time afterwards.
   * @param load fetches the key if it is not in the cache; null if it does not exist
   * @returns null if the key does not exist
   */
  withKey<T>(key_id: string, load: () => Promise<Buffer | null>, use: (key: Buffer) => T): Promise<T | null>;
  /** Overwrites every key. */
  clear(): void;
}

/** @param max number of keys; beyond it the least recently used key is overwritten */
export const createKeyCache = (max: number): KeyCache => {
  // In the order of last use.
  const keys = new Map<string, Buffer>();
  const loading = new Map<string, Promise<boolean>>();
  const drop = (key_id: string): void => {
    keys.get(key_id)?.fill(0);
    keys.delete(key_id);
  };
  const fetch = async (key_id: string, load: () => Promise<Buffer | null>): Promise<boolean> => {
    const key = await load();
    if (key === null) return false;
    drop(key_id);
    keys.set(key_id, key);
    const [oldest] = keys.keys();
    if (keys.size > max && oldest !== undefined) drop(oldest);
    return true;
  };
  return {
    withKey: async (key_id, load, use) => {
      // Other requests may evict the fetched key before this one can use it.
      for (;;) {
        const key = keys.get(key_id);
        if (key !== undefined) {
          keys.delete(key_id);
          keys.set(key_id, key);
          return use(key);
        }
        let fetching = loading.get(key_id);
        if (fetching === undefined) {
          fetching = fetch(key_id, load).finally(() => loading.delete(key_id));
          loading.set(key_id, fetching);
        }
        if (!(await fetching)) return null;
      }
    },
    clear: () => {
      for (const key_id of [...keys.keys()]) drop(key_id);
    },
  };
};
