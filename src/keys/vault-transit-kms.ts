import { canonicalBytes, KEY_BYTES } from './aead.ts';
import { type KeyPlace, type Kms, KmsError, UnknownMasterKeyError, UnwrapError, type WrappedKey } from './kms.ts';
import {
  createTransitSend,
  type TransitAddress,
  type TransitReply,
  type TransitSend,
  transitRefusal,
} from './transit-send.ts';

export interface VaultTransitInput extends TransitAddress {
  /** The key's name, after the engine's mount where that is not `transit`: `onevault`, `teams/transit/onevault`. */
  readonly key: string;
}

const KIND = 'transit';
const DOMAIN = 'onevault/wrap/v1';
const CIPHERTEXT = /^vault:v(\d{1,10}):[0-9A-Za-z+/=]+$/;

/**
 * Master keys in a service that speaks the HTTP API of HashiCorp Vault's Transit engine
 * (https://developer.hashicorp.com/vault/api-docs/secret/transit): they never leave it. The key must be made with
 * `derived=true`, so that each wrapped key is bound to its place: its context is part of the derivation.
 * The token needs `update` on encrypt, decrypt and rewrap of the key, `read` on keys/NAME, and for rotation `update`
 * on keys/NAME/rotate.
 */
export const createVaultTransitKms = (input: VaultTransitInput): Kms => {
  const key = openKey(input);
  return {
    kind: KIND,
    makes_keys: true,
    list: () => listVersions(key),
    wrap: async (plain, place) => {
      const plaintext = Buffer.from(plain).toString('base64');
      const reply = await ask(key, 'encrypt', { plaintext, context: contextOf(place) });
      if (reply.status !== 200) throw transitRefusal(`encrypting with ${key.what}`, reply);
      return wrappedOf(key, reply.data.ciphertext);
    },
    unwrap: async (wrapped, place) => {
      const ciphertext = ciphertextOf(key, wrapped, place);
      const reply = await ask(key, 'decrypt', { ciphertext, context: contextOf(place) });
      if (reply.status !== 200) throw unwrapFailure(reply, `decrypting with ${key.what}`, place);
      const plain = Buffer.from(String(reply.data.plaintext), 'base64');
      if (plain.length !== KEY_BYTES) throw new KmsError(`${key.url} answers with what is no key.`);
      return plain;
    },
    rewrap: async (wrapped, place) => {
      const ciphertext = ciphertextOf(key, wrapped, place);
      const reply = await ask(key, 'rewrap', { ciphertext, context: contextOf(place) });
      if (reply.status !== 200) throw unwrapFailure(reply, `rewrapping with ${key.what}`, place);
      return wrappedOf(key, reply.data.ciphertext);
    },
    rotate: async () => {
      const reply = await key.send('POST', `${key.path}/rotate`, {});
      if (reply.status !== 200 && reply.status !== 204) throw transitRefusal(`rotating ${key.what}`, reply);
      return true;
    },
    // Others may use the key too: which versions go is the decision of whoever runs the service.
    destroy: (master_key_id) => isTrimmed(key, master_key_id),
  };
};

/** A key of the service, by its name. */
interface TransitKey {
  readonly url: string;
  readonly mount: string;
  readonly name: string;
  /** Where it is described, after `/v1/`. */
  readonly path: string;
  /** As messages name it. */
  readonly what: string;
  readonly send: TransitSend;
}

const openKey = (input: VaultTransitInput): TransitKey => {
  const slash = input.key.lastIndexOf('/');
  const mount = slash === -1 ? 'transit' : input.key.slice(0, slash);
  const name = input.key.slice(slash + 1);
  return {
    url: input.url,
    mount,
    name,
    path: `${mount}/keys/${encodeURIComponent(name)}`,
    what: `the key ${name} at ${input.url}/v1/${mount}`,
    send: createTransitSend(input),
  };
};

const ask = ({ send, mount, name }: TransitKey, operation: string, body: object): Promise<TransitReply> =>
  send('POST', `${mount}/${operation}/${encodeURIComponent(name)}`, body);

const idOf = ({ mount, name }: TransitKey, version: string | number): string => `${KIND}:${mount}/${name}:v${version}`;

/** What the service tells of a key, as far as it is used here. */
interface Described {
  readonly latest_version: number;
  readonly min_decryption_version?: number;
  /** Versions below it were trimmed: the service has them no more. */
  readonly min_available_version?: number;
  readonly keys?: Record<string, unknown>;
}

const describe = async ({ send, path, what, mount }: TransitKey): Promise<Described> => {
  const reply = await send('GET', path);
  const { status, data } = reply;
  if (status === 404) {
    throw new KmsError(`There is no ${what.slice(4)}: make it with "vault write -f ${path} derived=true".`);
  }
  if (status !== 200) throw transitRefusal(`reading ${what}`, reply);
  if (data.derived !== true || data.supports_encryption === false) {
    throw new KmsError(
      `${what} must be one that encrypts and is derived: make another with "vault write -f ${mount}/keys/NAME derived=true".`,
    );
  }
  return data as unknown as Described;
};

const listVersions = async (key: TransitKey) => {
  const { latest_version, min_decryption_version = 1, keys = {} } = await describe(key);
  const versions = Array.from(
    { length: Math.max(latest_version - min_decryption_version + 1, 0) },
    (_, index) => latest_version - index,
  );
  return versions.map((version) => ({
    master_key_id: idOf(key, version),
    created_at: instantIn(keys[version]),
  }));
};

/** Whether the operator has trimmed the version away, which ends it for good. */
const isTrimmed = async (key: TransitKey, master_key_id: string): Promise<boolean> => {
  const { latest_version, min_available_version = 0 } = await describe(key);
  const [, version] = /:v(\d{1,10})$/.exec(master_key_id) ?? [];
  return (
    version !== undefined &&
    master_key_id === idOf(key, version) &&
    Number(version) < Math.min(min_available_version, latest_version)
  );
};

const wrappedOf = (key: TransitKey, ciphertext: unknown): WrappedKey => {
  const version = typeof ciphertext === 'string' ? CIPHERTEXT.exec(ciphertext)?.[1] : undefined;
  if (version === undefined) throw new KmsError(`${key.url} answers with what is no ciphertext of Transit.`);
  return { master_key_id: idOf(key, version), wrapped_key: Buffer.from(ciphertext as string) };
};

const ciphertextOf = (key: TransitKey, { master_key_id, wrapped_key }: WrappedKey, place: KeyPlace): string => {
  const { mount, name } = key;
  if (!master_key_id.startsWith(`${KIND}:${mount}/${name}:`)) {
    throw new UnknownMasterKeyError(master_key_id, [`those of ${mount}/${name}`]);
  }
  const text = wrapped_key.toString('latin1');
  const version = CIPHERTEXT.exec(text)?.[1];
  if (version === undefined || idOf(key, version) !== master_key_id) throw new UnwrapError(place);
  return text;
};

// It answers 400 to a changed ciphertext, to another context, and to a version that is disabled.
const unwrapFailure = (reply: TransitReply, doing: string, place: KeyPlace): Error =>
  reply.status === 400 ? new UnwrapError(place, { cause: transitRefusal(doing, reply) }) : transitRefusal(doing, reply);

const contextOf = ({ table, key_id }: KeyPlace): string => canonicalBytes(DOMAIN, [table, key_id]).toString('base64');

/** Symmetric keys tell the second at which each version was made. */
const instantIn = (value: unknown): string | null =>
  typeof value === 'number' ? new Date(value * 1_000).toISOString() : null;
