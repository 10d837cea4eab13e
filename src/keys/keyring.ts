import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { NextId } from '../core/ids.ts';
import { KEY_BYTES } from './aead.ts';
import type { Keyring, SealContext } from './contract.ts';
import { DATA_KEY_TABLE, type DataKeyStore, unwrapStored } from './data-keys.ts';
import { createKeyCache } from './key-cache.ts';
import { type Kms, UnknownMasterKeyError, UnwrapError } from './kms.ts';
import { createSealTurns } from './seal-turns.ts';
import { keyIdOf, openWith, sealWith, UnsealError } from './sealed.ts';

export interface KeyringDeps {
  readonly kms: Kms;
  readonly store: DataKeyStore;
  readonly clock: Clock;
  readonly nextId: NextId;
  /** Called on every use of a key; must not throw. */
  readonly observe?: (use: KeyUse) => void;
}

export interface KeyUse {
  readonly operation: 'create' | 'unwrap' | 'seal' | 'open';
  readonly data_key_id: string;
}

/** A keyring whose keys can be overwritten. */
export interface ClosableKeyring extends Keyring {
  /** Overwrites every key in memory. Later uses fetch the keys again. */
  close(): void;
}

// A key has 32 bytes, and each rotation adds one.
const MAX_KEYS_IN_MEMORY = 256;

/**
 * Seals and opens with data keys (AES-256-GCM), which the store holds wrapped under a master key. Unwrapped keys stay
 * in memory, so that keys in use work without the key management service, and without the database until the next
 * block of seals is due.
 */
export const createKeyring = (deps: KeyringDeps): ClosableKeyring => {
  const { kms, store, clock } = deps;
  const observe = deps.observe ?? (() => {});
  const cache = createKeyCache(MAX_KEYS_IN_MEMORY);
  const load = (data_key_id: string) => async (): Promise<Buffer | null> => {
    const place = { table: DATA_KEY_TABLE, key_id: data_key_id };
    const key = await unwrapStored(kms, place, () => store.find(data_key_id));
    if (key !== null) observe({ operation: 'unwrap', data_key_id });
    return key;
  };

  const makeKey = async (): Promise<string> => {
    const data_key_id = await makeDataKey(deps);
    observe({ operation: 'create', data_key_id });
    return data_key_id;
  };

  const takeSeal = createSealTurns({ store, clock, makeKey });

  return {
    seal: async (plaintext, context) => {
      const data_key_id = await takeSeal();
      const sealed = await cache.withKey(data_key_id, load(data_key_id), (key) =>
        sealWith(key, data_key_id, plaintext, context),
      );
      if (sealed === null) throw new Error(`the data key ${data_key_id} is missing in the database`);
      observe({ operation: 'seal', data_key_id });
      return sealed;
    },
    open: async (sealed, context) => {
      const data_key_id = keyIdOf(sealed, context);
      const plaintext = await cache
        .withKey(data_key_id, load(data_key_id), (key) => openWith(key, sealed, context))
        .catch((error: unknown) => {
          throw asUnsealError(error, context);
        });
      if (plaintext === null) throw new UnsealError(context, `its key ${data_key_id} is not known.`);
      observe({ operation: 'open', data_key_id });
      return plaintext;
    },
    close: () => {
      cache.clear();
    },
  };
};

/** Creates a random data key and stores it wrapped; it then is the newest. @returns its id */
export const makeDataKey = async ({
  kms,
  store,
  nextId,
}: Pick<KeyringDeps, 'kms' | 'store' | 'nextId'>): Promise<string> => {
  const data_key_id = nextId();
  const key = randomBytes(KEY_BYTES);
  try {
    await store.insert(data_key_id, (place) => kms.wrap(key, place));
    return data_key_id;
  } finally {
    key.fill(0);
  }
};

/** A key that is lost for good makes the value unreadable; a service that is not available does not. */
const asUnsealError = (error: unknown, context: SealContext): unknown =>
  error instanceof UnknownMasterKeyError || error instanceof UnwrapError
    ? new UnsealError(context, error.message, { cause: error })
    : error;
