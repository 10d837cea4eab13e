import { type ProviderKey, type Snapshot, sealContextOf } from '../../catalog/snapshot.ts';
import { OneVaultError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Keyring } from '../../keys/contract.ts';

/** Customers' own provider keys, opened when a call needs them. */
export interface ProviderKeys {
  /** @throws OneVaultError provider_key_unavailable, which says nothing of the key */
  open(key: ProviderKey): Promise<string>;
  /** Overwrites those that a snapshot no longer has. */
  keepOnly(snapshot: Snapshot): void;
  /** Overwrites all. */
  close(): void;
}

interface ProviderKeysDeps {
  readonly keyring: Keyring;
  readonly log: Log;
  /** How many are in memory in clear; the one that was used longest ago makes room. */
  readonly most?: number;
}

// A few hundred bytes each.
const MOST_IN_MEMORY = 1_000;

/** Bounded and single-flight: a key that a thousand calls ask for at once is opened once. */
export const createProviderKeys = ({ keyring, log, most = MOST_IN_MEMORY }: ProviderKeysDeps): ProviderKeys => {
  // In the order of last use.
  const opened = new Map<string, Buffer>();
  const opening = new Map<string, Promise<string>>();
  let held: ReadonlySet<string> | null = null;
  const drop = (name: string): void => {
    opened.get(name)?.fill(0);
    opened.delete(name);
  };
  const keep = (name: string, key: Buffer): void => {
    // What was revoked while it was opened is not kept.
    if (held !== null && !held.has(name)) return;
    opened.set(name, key);
    const [oldest] = opened.keys();
    if (opened.size > most && oldest !== undefined) drop(oldest);
  };
  const unseal = async (key: ProviderKey, name: string): Promise<string> => {
    try {
      const bytes = await keyring.open(Buffer.from(key.api_key_encrypted, 'hex'), sealContextOf(key));
      keep(name, bytes);
      return bytes.toString();
    } catch (cause) {
      log.warn({ err: cause, provider_key: key.provider_key }, "a customer's provider key cannot be opened");
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
