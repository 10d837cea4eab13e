import { type Clock, instantOf } from '../core/clock.ts';
import { canonicalBytes, decrypt, encrypt } from './aead.ts';
import { type KeyPlace, type Kms, KmsError, UnknownMasterKeyError, UnwrapError, type WrappedKey } from './kms.ts';
import { LOCAL_KIND, masterKeyId } from './master-key.ts';
import { createKeyFile, type LocalKey, makeLocalKey, readKeyFile, replaceKeyFile } from './master-key-file.ts';

export interface FileKmsInput {
  /** File of the master keys. Only `createMasterKey` and `rotate` create it. */
  readonly path: string;
  /** Master keys from the environment, newest first, 32 bytes each. If there are any, keys of the file only unwrap. */
  readonly given_keys: readonly Uint8Array[];
  readonly clock: Clock;
}

export interface FileKms extends Kms {
  /**
   * Creates the file with a first master key, unless the file or a key from the environment exists.
   * @returns true if this call created it
   * @throws KmsError
   */
  createMasterKey(): boolean;
}

const DOMAIN = 'onevault/wrap/v1';

/**
 * Master keys in a file of this machine, or from the environment. Each use reads the file again and then overwrites
 * the keys in memory, so that keys which another process adds or destroys take effect at once. Uses are rare, because
 * unwrapped keys stay in memory.
 */
export const createFileKms = ({ path, given_keys, clock }: FileKmsInput): FileKms => {
  const withKeys = <T>(use: (keys: readonly LocalKey[]) => T): T => useKeys({ path, given_keys }, use);
  return {
    kind: LOCAL_KIND,
    makes_keys: given_keys.length === 0,
    createMasterKey: () => {
      if (given_keys.length > 0 || readKeyFile(path).length > 0) return false;
      const first = makeLocalKey(instantOf(clock.now()));
      try {
        return createKeyFile(path, [first]);
      } finally {
        erase([first]);
      }
    },
    list: async () => withKeys((keys) => keys.map(({ master_key_id, created_at }) => ({ master_key_id, created_at }))),
    wrap: async (key, place) => withKeys((keys) => wrapUnder(path, keys, key, place)),
    unwrap: async (wrapped, place) => withKeys((keys) => unwrapUnder(keys, wrapped, place)),
    rewrap: async (wrapped, place) =>
      withKeys((keys) => {
        const key = unwrapUnder(keys, wrapped, place);
        try {
          return wrapUnder(path, keys, key, place);
        } finally {
          key.fill(0);
        }
      }),
    rotate: async () => {
      if (given_keys.length > 0) return false;
      const stored = readKeyFile(path);
      const made = makeLocalKey(instantOf(clock.now()));
      try {
        replaceKeyFile(path, [made, ...stored]);
        return true;
      } finally {
        erase([made, ...stored]);
      }
    },
    destroy: async (master_key_id) => {
      if (given_keys.some((key) => masterKeyId(key) === master_key_id)) return false;
      const stored = readKeyFile(path);
      try {
        const left = stored.filter((key) => key.master_key_id !== master_key_id);
        if (left.length < stored.length) replaceKeyFile(path, left);
        return true;
      } finally {
        erase(stored);
      }
    },
  };
};

/** Passes the master keys to `use`, those from the environment first, and overwrites them afterwards. */
const useKeys = <T>({ path, given_keys }: Omit<FileKmsInput, 'clock'>, use: (keys: readonly LocalKey[]) => T): T => {
  const stored = readKeyFile(path);
  const given = given_keys.map((key) => ({
    key: Buffer.from(key),
    master_key_id: masterKeyId(key),
    created_at: null,
  }));
  try {
    const seen = new Set(given.map(({ master_key_id }) => master_key_id));
    return use([...given, ...stored.filter(({ master_key_id }) => !seen.has(master_key_id))]);
  } finally {
    erase(given);
    erase(stored);
  }
};

const wrapUnder = (path: string, keys: readonly LocalKey[], key: Uint8Array, place: KeyPlace): WrappedKey => {
  const [newest] = keys;
  if (newest === undefined) {
    throw new KmsError(`The file of master keys ${path} is missing. Restore it from its backup.`);
  }
  const { master_key_id } = newest;
  return { master_key_id, wrapped_key: encrypt(newest.key, key, additionalData(master_key_id, place)) };
};

const unwrapUnder = (keys: readonly LocalKey[], wrapped: WrappedKey, place: KeyPlace): Buffer => {
  const { master_key_id, wrapped_key } = wrapped;
  const master = keys.find((key) => key.master_key_id === master_key_id);
  if (master === undefined) {
    throw new UnknownMasterKeyError(
      master_key_id,
      keys.map((key) => key.master_key_id),
    );
  }
  const key = decrypt(master.key, wrapped_key, additionalData(master_key_id, place));
  if (key === null) throw new UnwrapError(place);
  return key;
};

const additionalData = (master_key_id: string, { table, key_id }: KeyPlace): Buffer =>
  canonicalBytes(DOMAIN, [master_key_id, table, key_id]);

const erase = (keys: readonly LocalKey[]): void => {
  for (const { key } of keys) key.fill(0);
};
