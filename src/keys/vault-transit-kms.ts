import { canonicalBytes, KEY_BYTES } from './aead.ts';
import { type KeyPlace, type Kms, KmsError, UnknownMasterKeyError, UnwrapError, type WrappedKey } from './kms.ts';
import {
  createTransitSend,
  type TransitAddress,
  type TransitResponse,
  type TransitSend,
  transitRefusal,
} from './transit-send.ts';

export interface VaultTransitInput extends TransitAddress {
  /** The key's name, after the engine's mount if that is not `transit`: `onevault`, `teams/transit/onevault`. */
  readonly key: string;
}

const KIND = 'transit';
const DOMAIN = 'onevault/wrap/v1';
const CIPHERTEXT = /^vault:v(\d{1,10}):[0-9A-Za-z+/=]+$/;

/**
 * Master keys in a service with the HTTP API of HashiCorp Vault's Transit engine
 * (https://developer.hashicorp.com/vault/api-docs/secret/transit). They never leave the service. The key must be
 * created with `derived=true`: the context of each wrapped key is then part of the derivation, which binds it to its
 * place.
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
      const response = await request(key, 'encrypt', { plaintext, context: contextOf(place) });
      if (response.status !== 200) throw transitRefusal(`encrypting with ${key.label}`, response);
      return wrappedOf(key, response.data.ciphertext);
    },
    unwrap: async (wrapped, place) => {
      const ciphertext = ciphertextOf(key, wrapped, place);
      const response = await request(key, 'decrypt', { ciphertext, context: contextOf(place) });
      if (response.status !== 200) throw unwrapFailure(response, `decrypting with ${key.label}`, place);
      const plain = Buffer.from(String(response.data.plaintext), 'base64');
      if (plain.length !== KEY_BYTES)
        throw new KmsError(`${key.url} returned a key of ${plain.length} bytes instead of ${KEY_BYTES}.`);
      return plain;
    },
    rewrap: async (wrapped, place) => {
      const ciphertext = ciphertextOf(key, wrapped, place);
      const response = await request(key, 'rewrap', { ciphertext, context: contextOf(place) });
      if (response.status !== 200) throw unwrapFailure(response, `rewrapping with ${key.label}`, place);
      return wrappedOf(key, response.data.ciphertext);
    },
    rotate: async () => {
      const response = await key.send('POST', `${key.path}/rotate`, {});
      if (response.status !== 200 && response.status !== 204) throw transitRefusal(`rotating ${key.label}`, response);
      return true;
    },
    // Others may use the key too, so the operator of the service decides which versions to delete.
    destroy: (master_key_id) => isTrimmed(key, master_key_id),
  };
};

/** A key of the service. */
interface TransitKey {
  readonly url: string;
  readonly mount: string;
  readonly name: string;
  /** Path of its description, after `/v1/`. */
  readonly path: string;
  /** Its name in messages. */
  readonly label: string;
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
    label: `the key ${name} at ${input.url}/v1/${mount}`,
    send: createTransitSend(input),
  };
};

const request = ({ send, mount, name }: TransitKey, operation: string, body: object): Promise<TransitResponse> =>
  send('POST', `${mount}/${operation}/${encodeURIComponent(name)}`, body);

const idOf = ({ mount, name }: TransitKey, version: string | number): string => `${KIND}:${mount}/${name}:v${version}`;

/** The fields of the service's description of a key that are used here. */
interface KeyDescription {
  readonly latest_version: number;
  readonly min_decryption_version?: number;
  /** Versions below it were trimmed and no longer exist. */
  readonly min_available_version?: number;
  readonly keys?: Record<string, unknown>;
}

const readKey = async ({ send, path, label, mount }: TransitKey): Promise<KeyDescription> => {
  const response = await send('GET', path);
  const { status, data } = response;
  if (status === 404) {
    throw new KmsError(`There is no ${label.slice(4)}: make it with "vault write -f ${path} derived=true".`);
  }
  if (status !== 200) throw transitRefusal(`reading ${label}`, response);
  if (data.derived !== true || data.supports_encryption === false) {
    throw new KmsError(
      `${label} must be one that encrypts and is derived: make another with "vault write -f ${mount}/keys/NAME derived=true".`,
    );
  }
  return data as unknown as KeyDescription;
};

const listVersions = async (key: TransitKey) => {
  const { latest_version, min_decryption_version = 1, keys = {} } = await readKey(key);
  const versions = Array.from(
    { length: Math.max(latest_version - min_decryption_version + 1, 0) },
    (_, index) => latest_version - index,
  );
  return versions.map((version) => ({
    master_key_id: idOf(key, version),
    created_at: instantIn(keys[version]),
  }));
};

/** True if the operator has trimmed the version, which destroys it for good. */
const isTrimmed = async (key: TransitKey, master_key_id: string): Promise<boolean> => {
  const { latest_version, min_available_version = 0 } = await readKey(key);
  const [, version] = /:v(\d{1,10})$/.exec(master_key_id) ?? [];
  return (
    version !== undefined &&
    master_key_id === idOf(key, version) &&
    Number(version) < Math.min(min_available_version, latest_version)
  );
};

const wrappedOf = (key: TransitKey, ciphertext: unknown): WrappedKey => {
  const version = typeof ciphertext === 'string' ? CIPHERTEXT.exec(ciphertext)?.[1] : undefined;
  if (version === undefined) throw new KmsError(`${key.url} returned a value that is not a ciphertext of Transit.`);
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

// The service returns 400 for a changed ciphertext, another context, and a disabled version.
const unwrapFailure = (response: TransitResponse, doing: string, place: KeyPlace): Error =>
  response.status === 400
    ? new UnwrapError(place, { cause: transitRefusal(doing, response) })
    : transitRefusal(doing, response);

const contextOf = ({ table, key_id }: KeyPlace): string => canonicalBytes(DOMAIN, [table, key_id]).toString('base64');

/** The time of creation of a version: symmetric keys have it in seconds. */
const instantIn = (value: unknown): string | null =>
  typeof value === 'number' ? new Date(value * 1_000).toISOString() : null;
