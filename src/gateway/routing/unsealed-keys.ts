import { type ProviderKey, type Snapshot, sealContextOf } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Keyring } from '../../keys/contract.ts';

/** Customers' own provider keys, decrypted when a call needs them. */
export interface ProviderKeys {
  /** @throws OneVaultError provider_key_unavailable; it contains no part of the key */
  open(key: ProviderKey): Promise<string>;
  /** Overwrites the keys that the snapshot does not contain. */
  keepOnly(snapshot: Snapshot): void;
  /** Overwrites all keys. */
  close(): void;
}

interface ProviderKeysDeps {
  readonly keyring: Keyring;
  readonly log: Log;
  /** Number of decrypted keys in memory; the least recently used one is removed first. */
  readonly max_keys?: number;
}

// A few hundred bytes each.
const MAX_IN_MEMORY = 1_000;

/** Creates a bounded cache. A key that a thousand calls need at once is decrypted once. */
export const createProviderKeys = ({ keyring, log, max_keys = MAX_IN_MEMORY }: ProviderKeysDeps): ProviderKeys => {
  // Ordered by last use.
  const opened = new Map<string, Buffer>();
  const opening = new Map<string, Promise<string>>();
  let held: ReadonlySet<string> | null = null;
  const drop = (name: string): void => {
    opened.get(name)?.fill(0);
    opened.delete(name);
  };
  const keep = (name: string, key: Buffer): void => {
    // A key that was revoked during its decryption is not kept.
    if (held !== null && !held.has(name)) return;
    opened.set(name, key);
    const [oldest] = opened.keys();
    if (opened.size > max_keys && oldest !== undefined) drop(oldest);
  };
  const unseal = async (key: ProviderKey, name: string): Promise<string> => {
    try {
      const bytes = await keyring.open(Buffer.from(key.api_key_encrypted, 'hex'), sealContextOf(key));
      keep(name, bytes);
      return bytes.toString();
    } catch (cause) {
      log.warn({ err: cause, provider_key: key.provider_key }, "a customer's provider key cannot be decrypted");
      throw new OneVaultError('provider_key_unavailable', { cause });
    } finally {
      opening.delete(name);
    }
  };
  return {
    open: async (key) => {
      const name = nameOf(key);
      const known = opened.get(name);
      if (known !== undefined) {
        opened.delete(name);
        opened.set(name, known);
        return known.toString();
      }
      let under_way = opening.get(name);
      if (under_way === undefined) {
        under_way = unseal(key, name);
        opening.set(name, under_way);
      }
      return under_way;
    },
    keepOnly: ({ provider_keys }) => {
      held = new Set([...provider_keys.values()].flat().map(nameOf));
      for (const name of [...opened.keys()]) if (!held.has(name)) drop(name);
    },
    close: () => {
      for (const name of [...opened.keys()]) drop(name);
    },
  };
};

const nameOf = ({ provider_key, key_version }: ProviderKey): string => `${provider_key}/${key_version}`;
