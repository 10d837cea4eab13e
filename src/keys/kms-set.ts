import { type Kms, UnknownMasterKeyError, type WrappedKey } from './kms.ts';

/**
 * Several key management services as one: the first wraps, and each unwraps its own keys. A rotation moves keys from
 * one service to another.
 */
export const createKmsSet = (first: Kms, ...others: readonly Kms[]): Kms => {
  const all = [first, ...others];
  const find = (master_key_id: string): Kms | undefined => all.find(({ kind }) => master_key_id.startsWith(`${kind}:`));
  const ownerOf = ({ master_key_id }: WrappedKey): Kms => {
    const owner = find(master_key_id);
    if (owner !== undefined) return owner;
    throw new UnknownMasterKeyError(
      master_key_id,
      all.map(({ kind }) => `those of ${kind}`),
    );
  };
  return {
    kind: first.kind,
    makes_keys: first.makes_keys,
    list: async () => (await Promise.all(all.map((each) => each.list()))).flat(),
    wrap: (key, place) => first.wrap(key, place),
    unwrap: async (wrapped, place) => ownerOf(wrapped).unwrap(wrapped, place),
    rewrap: async (wrapped, place) => {
      const owner = ownerOf(wrapped);
      if (owner === first) return first.rewrap(wrapped, place);
      const key = await owner.unwrap(wrapped, place);
      try {
        return await first.wrap(key, place);
      } finally {
        key.fill(0);
      }
    },
    rotate: () => first.rotate(),
    destroy: async (master_key_id) => (await find(master_key_id)?.destroy(master_key_id)) ?? false,
  };
};
