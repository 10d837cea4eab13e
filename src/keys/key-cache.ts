/** Keys in clear, bounded and single-flight. */
export interface KeyCache {
  /**
   * Runs `use` with a key, synchronously: afterwards the key may be overwritten at any time.
   * @param load fetches it where it is not here; null when there is none
   * @returns null when there is none
   */
  withKey<T>(key_id: string, load: () => Promise<Buffer | null>, use: (key: Buffer) => T): Promise<T | null>;
  /** Overwrites every key. */
  clear(): void;
}

/** @param most how many keys it holds; the one that was used longest ago is overwritten for the next */
export const createKeyCache = (most: number): KeyCache => {
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
    if (keys.size > most && oldest !== undefined) drop(oldest);
    return true;
  };
  return {
    withKey: async (key_id, load, use) => {
      // What was fetched may be dropped again before its turn to be used comes.
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
